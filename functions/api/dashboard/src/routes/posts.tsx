import { Button } from "@mantine/core";
import { Link } from "react-router";
import { Empty } from "../components/Empty";
import { Page } from "../components/Page";

export default function NotFound() {
  return (
    <Page title="Nothing here">
      <Empty
        title="This address leads nowhere"
        action={
          <Button component={Link} to="/">
            Go to Today
          </Button>
        }
      >
        The page may have moved, or the link was cut short.
      </Empty>
    </Page>
  );
}
