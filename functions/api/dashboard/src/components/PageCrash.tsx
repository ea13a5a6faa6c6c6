import { Button } from "@mantine/core";
import { useRouteError } from "react-router";
import { Empty } from "./Empty";

/** What stands in place of a page that broke while drawing. */
export function PageCrash() {
  const error = useRouteError();
  // A new release renames the chunks an open tab still asks for.
  const outdated = error instanceof TypeError && /import|fetch/i.test(error.message);
  return (
    <main style={{ padding: 24 }}>
      <h1 className="sr">Something went wrong</h1>
      <Empty
        title={outdated ? "Rostrum was updated" : "This page ran into a problem"}
        action={<Button onClick={() => window.location.reload()}>Load again</Button>}
      >
        {outdated
          ? "Load the page again to get the new version. Nothing you saved is lost."
          : "Your posts are not affected: they are sent by the server, not by this page."}
      </Empty>
    </main>
  );
}
