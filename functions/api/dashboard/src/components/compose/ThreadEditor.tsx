import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconCut, IconPlus, IconTrash } from "@tabler/icons-react";
import { type Dispatch, useEffect, useRef } from "react";
import { maxParts, splitPoint, type Thread, type ThreadAction } from "../../lib/thread";
import type { Network } from "../../api/model";
import { maxLength } from "../../lib/networks";
import type { Counter } from "../../lib/weight";
import { useMe } from "../../api/session";
import type { Uploads } from "../../lib/useUploads";
import { Meter } from "./Meter";
import { AddImages, PartImages } from "./PartImages";
import classes from "./ThreadEditor.module.css";

interface Props {
  thread: Thread;
  dispatch: Dispatch<ThreadAction>;
  counter: Counter | undefined;
  onFocusPart: (index: number) => void;
  uploads: Uploads;
  /** What the account's network takes; undefined until it is known. */
  network: Network | undefined;
}

/** One field per part; Ctrl Enter on a part adds the next, Alt with an arrow moves it. */
export function ThreadEditor({ thread, dispatch, counter, onFocusPart, uploads, network }: Props) {
  const limit = maxLength(network);
  const most = Math.min(maxParts, network?.limits.max_parts ?? maxParts);
  const one = most === 1;
  const images = useMe().data?.images ?? false;
  const fields = useRef(new Map<number, HTMLTextAreaElement>());
  const { parts, focus } = thread;
  useEffect(() => {
    if (!focus) return;
    const field = fields.current.get(focus.key);
    field?.focus();
    field?.setSelectionRange(focus.caret, focus.caret);
  }, [focus]);

  return (
    <div>
      <ol className={classes.parts}>
        {parts.map((part, index) => {
          const length = counter?.(part.text);
          const over = length !== undefined && length > limit;
          const label = parts.length > 1 ? `Part ${index + 1} of ${parts.length}` : one ? "Caption" : "Text";
          const place = parts.length > 1 ? `part ${index + 1}` : "the post";
          const take = (files: FileList | File[]) => {
            const found = Array.from(files).filter((f) => f.type.startsWith("image/"));
            if (images && found.length > 0) uploads.add(part.key, part.images.length, found);
            return images && found.length > 0;
          };
          return (
            <li
              key={part.key}
              className={classes.part}
              data-over={over || undefined}
              onDragOver={(e) => e.dataTransfer.types.includes("Files") && e.preventDefault()}
              onDrop={(e) => {
                if (e.dataTransfer.files.length > 0) e.preventDefault();
                take(e.dataTransfer.files);
              }}
            >
              <textarea
                ref={(el) => {
                  if (el) fields.current.set(part.key, el);
                  else fields.current.delete(part.key);
                }}
                className={classes.field}
                aria-label={label}
                aria-invalid={over}
                placeholder={index > 0 ? "And then?" : one ? "Write a caption" : "What do you want to say?"}
                rows={parts.length > 1 ? 3 : 6}
                value={part.text}
                onFocus={() => onFocusPart(index)}
                onChange={(e) => dispatch({ type: "set", index, text: e.currentTarget.value })}
                onKeyDown={(e) => onKey(e, index, dispatch, parts.length < most)}
                onPaste={(e) => {
                  if (take(e.clipboardData.files)) e.preventDefault();
                }}
              />
              <PartImages
                label={place}
                images={part.images}
                onChange={(list) => dispatch({ type: "images", key: part.key, change: () => list })}
                uploads={uploads}
                partKey={part.key}
                network={network}
              />
              <div className={classes.foot}>
                <span className={classes.hint}>{parts.length > 1 && label}</span>
                {images && (
                  <AddImages
                    label={place}
                    full={part.images.length >= uploads.room}
                    onFiles={(files) => uploads.add(part.key, part.images.length, files)}
                  />
                )}
                {over && counter && !one && (
                  <Button
                    size="compact-xs"
                    variant="default"
                    leftSection={<IconCut size={13} />}
                    disabled={parts.length >= most}
                    onClick={() =>
                      dispatch({ type: "split", index, at: splitPoint(part.text, counter, limit) })
                    }
                  >
                    Split where it fits
                  </Button>
                )}
                {parts.length > 1 && (
                  <PartButtons index={index} last={parts.length - 1} dispatch={dispatch} />
                )}
                <Meter length={length} limit={limit} />
              </div>
            </li>
          );
        })}
      </ol>
      {one ? (
        parts.length > 1 && (
          <Button variant="default" size="compact-sm" onClick={() => dispatch({ type: "merge" })}>
            Join into one caption
          </Button>
        )
      ) : (
        <Button
          variant="subtle"
          color="gray"
          size="compact-sm"
          leftSection={<IconPlus size={15} />}
          disabled={parts.length >= most}
          onClick={() => dispatch({ type: "add", after: parts.length - 1 })}
        >
          {parts.length > 1 ? "Add a part" : "Make it a thread"}
        </Button>
      )}
    </div>
  );
}

function PartButtons({
  index,
  last,
  dispatch,
}: {
  index: number;
  last: number;
  dispatch: Dispatch<ThreadAction>;
}) {
  return (
    <span className={classes.buttons}>
      <Tooltip label="Move up (Alt ↑)">
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-label={`Move part ${index + 1} up`}
          disabled={index === 0}
          onClick={() => dispatch({ type: "move", index, by: -1 })}
        >
          <IconArrowUp size={15} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Move down (Alt ↓)">
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-label={`Move part ${index + 1} down`}
          disabled={index === last}
          onClick={() => dispatch({ type: "move", index, by: 1 })}
        >
          <IconArrowDown size={15} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Remove this part">
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-label={`Remove part ${index + 1}`}
          onClick={() => dispatch({ type: "remove", index })}
        >
          <IconTrash size={15} />
        </ActionIcon>
      </Tooltip>
    </span>
  );
}

function onKey(
  e: React.KeyboardEvent<HTMLTextAreaElement>,
  index: number,
  dispatch: Dispatch<ThreadAction>,
  room: boolean,
): void {
  const field = e.currentTarget;
  if (e.altKey && (e.key === "ArrowUp" || e.key === "ArrowDown")) {
    e.preventDefault();
    dispatch({ type: "move", index, by: e.key === "ArrowUp" ? -1 : 1 });
  } else if (e.shiftKey && (e.ctrlKey || e.metaKey) && e.key === "Enter") {
    e.preventDefault();
    if (room) dispatch({ type: "split", index, at: field.selectionStart });
  } else if (e.key === "Backspace" && field.selectionStart === 0 && field.selectionEnd === 0 && index > 0) {
    e.preventDefault();
    dispatch({ type: "join", index });
  }
}
