import { Modal, type ModalProps } from "@mantine/core";
import { useEffect, useState } from "react";
import { focusContent } from "../lib/focus";

/**
 * A modal that is drawn while it is open and gone afterwards. The keyboard goes back
 * to where it was: Mantine gives it back only for one that stays and is closed.
 */
export function Dialog(props: Omit<ModalProps, "opened">) {
  const [from] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      if (from instanceof HTMLElement && from.isConnected && from !== document.body) {
        from.focus({ preventScroll: true });
      } else {
        focusContent();
      }
    },
    [from],
  );
  return <Modal {...props} opened />;
}
