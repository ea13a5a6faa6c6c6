import { Button } from "@mantine/core";
import { Dialog } from "../Dialog";

interface Props {
  /** Whether what was typed comes back later. */
  kept?: boolean;
  onStay: () => void;
  onLeave: () => void;
}

export function LeaveDialog({ kept = true, onStay, onLeave }: Props) {
  return (
    <Dialog onClose={onStay} title="Leave without saving?">
      <p>
        {kept
          ? "What you wrote is kept in this browser and comes back when you open this page again. Nobody else sees it."
          : "Your changes are not saved yet and would be lost."}
      </p>
      <div className="row" style={{ justifyContent: "flex-end", marginTop: 16 }}>
        <Button variant="default" onClick={onLeave}>
          Leave
        </Button>
        <Button onClick={onStay} data-autofocus>
          Stay
        </Button>
      </div>
    </Dialog>
  );
}
