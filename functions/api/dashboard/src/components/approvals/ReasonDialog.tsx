import { Button, Textarea } from "@mantine/core";
import { useState } from "react";
import { ProblemNote } from "../Empty";
import { Dialog } from "../Dialog";

interface Props {
  title: string;
  label: string;
  description?: string;
  button: string;
  danger?: boolean;
  pending: boolean;
  error: unknown;
  onSubmit: (reason: string) => void;
  onClose: () => void;
}

/** Asks for a reason in a sentence. Ctrl or Cmd with Enter sends it. */
export default function ReasonDialog({
  title,
  label,
  description,
  button,
  danger,
  pending,
  error,
  onSubmit,
  onClose,
}: Props) {
  const [reason, setReason] = useState("");
  const ready = reason.trim().length > 0 && !pending;
  const submit = () => {
    if (ready) onSubmit(reason.trim());
  };
  return (
    <Dialog onClose={onClose} title={title}>
      <form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault();
          submit();
        }}
      >
        <Textarea
          label={label}
          description={description}
          data-autofocus
          autosize
          minRows={3}
          maxRows={8}
          maxLength={1000}
          value={reason}
          onChange={(e) => setReason(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === "Enter" && (e.metaKey || e.ctrlKey)) {
              e.preventDefault();
              submit();
            }
          }}
        />
        {error ? <ProblemNote error={error} compact /> : null}
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" color={danger ? "danger" : undefined} disabled={!ready} loading={pending}>
            {button}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
