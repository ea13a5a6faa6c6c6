import { Button } from "@mantine/core";
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, it } from "vitest";
import { draw } from "../test/render";
import { Dialog } from "./Dialog";

function Page({ staysWhenOpen }: { staysWhenOpen: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <main id="content" tabIndex={-1}>
      {(staysWhenOpen || !open) && <Button onClick={() => setOpen(true)}>Pause</Button>}
      {open && (
        <Dialog title="Why?" onClose={() => setOpen(false)}>
          <Button onClick={() => setOpen(false)}>Done</Button>
        </Dialog>
      )}
    </main>
  );
}

async function openAndClose(staysWhenOpen: boolean) {
  const user = userEvent.setup();
  draw([{ path: "/", element: <Page staysWhenOpen={staysWhenOpen} /> }], "/");
  await user.click(await screen.findByRole("button", { name: "Pause" }));
  await user.click(await screen.findByRole("button", { name: "Done" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
}

describe("a dialog that is gone", () => {
  it("gives the keyboard back to what opened it", async () => {
    await openAndClose(true);
    await waitFor(() => expect(screen.getByRole("button", { name: "Pause" })).toHaveFocus());
  });
  it("leaves it at the content when that is gone too", async () => {
    await openAndClose(false);
    await waitFor(() => expect(screen.getByRole("main")).toHaveFocus());
  });
});
