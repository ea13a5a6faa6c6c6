import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { IconArrowLeft, IconArrowRight, IconPhotoPlus, IconTrash } from "@tabler/icons-react";
import { useId, useRef } from "react";
import type { PartImage } from "../../api/media";
import { imageTypes } from "../../api/media";
import type { Network } from "../../api/model";
import { imageProblem } from "../../lib/networks";
import type { Uploads } from "../../lib/useUploads";
import classes from "./PartImages.module.css";

interface Props {
  label: string;
  images: PartImage[];
  onChange: (images: PartImage[]) => void;
  uploads: Uploads;
  partKey: number;
  network: Network | undefined;
}

/** The images of one part: added by button, by dropping or by pasting; each with its alt text. */
export function PartImages({ label, images, onChange, uploads, partKey, network }: Props) {
  const under = uploads.of(partKey);
  const move = (from: number, by: 1 | -1) => {
    const moved = images[from];
    if (!moved) return;
    onChange(images.filter((_, i) => i !== from).toSpliced(from + by, 0, moved));
  };
  if (images.length === 0 && under.length === 0) return null;
  return (
    <ul className={classes.images} aria-label={`Images of ${label}`}>
      {images.map((m, i) => (
        <Image
          key={m.id}
          image={m}
          name={`image ${i + 1}`}
          problem={imageProblem(m, network)}
          first={i === 0}
          last={i === images.length - 1}
          onAlt={(alt) => onChange(images.map((o) => (o.id === m.id ? { ...o, alt } : o)))}
          onMove={(by) => move(i, by)}
          onRemove={() => onChange(images.filter((o) => o.id !== m.id))}
        />
      ))}
      {under.map((u) => (
        <li key={u.key} className={classes.image}>
          <div className={classes.waiting}>
            {u.problem === null && <progress value={u.done} max={1} aria-label={`Uploading ${u.name}`} />}
          </div>
          <div className={classes.words} role="status">
            {u.problem === null ? (
              <p className="small muted">Uploading {u.name}</p>
            ) : (
              <>
                <p className={classes.problem}>{u.problem}</p>
                <button type="button" className="link small" onClick={() => uploads.dismiss(u.key)}>
                  Dismiss
                </button>
              </>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}

interface ImageProps {
  image: PartImage;
  name: string;
  /** Why the network would refuse it; null when it would not. */
  problem: string | null;
  first: boolean;
  last: boolean;
  onAlt: (alt: string) => void;
  onMove: (by: 1 | -1) => void;
  onRemove: () => void;
}

function Image({ image, name, problem, first, last, onAlt, onMove, onRemove }: ImageProps) {
  const id = useId();
  return (
    <li className={classes.image}>
      {image.url ? (
        <img src={image.url} alt="" className={classes.thumb} />
      ) : (
        <span className={classes.thumb} aria-hidden />
      )}
      <div className={classes.words}>
        <label className={classes.label} htmlFor={id}>
          Alt text of {name}
        </label>
        <textarea
          id={id}
          className={classes.alt}
          rows={2}
          maxLength={1000}
          value={image.alt}
          placeholder="What does it show?"
          aria-describedby={image.alt.trim() === "" ? `${id}-nudge` : undefined}
          onChange={(e) => onAlt(e.currentTarget.value)}
        />
        {problem && (
          <p className={classes.problem} role="alert">
            {problem}
          </p>
        )}
        {image.alt.trim() === "" && (
          <p id={`${id}-nudge`} className={classes.nudge}>
            Say it in a sentence for those who do not see it.
          </p>
        )}
      </div>
      <span className={classes.buttons}>
        <Small label={`Move ${name} forward`} disabled={first} onClick={() => onMove(-1)}>
          <IconArrowLeft size={15} />
        </Small>
        <Small label={`Move ${name} back`} disabled={last} onClick={() => onMove(1)}>
          <IconArrowRight size={15} />
        </Small>
        <Small label={`Remove ${name}`} onClick={onRemove}>
          <IconTrash size={15} />
        </Small>
      </span>
    </li>
  );
}

function Small(props: { label: string; disabled?: boolean; onClick: () => void; children: React.ReactNode }) {
  return (
    <Tooltip label={props.label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="sm"
        aria-label={props.label}
        disabled={props.disabled ?? false}
        onClick={props.onClick}
      >
        {props.children}
      </ActionIcon>
    </Tooltip>
  );
}

/** The button that opens the file chooser. */
export function AddImages({
  label,
  full,
  onFiles,
}: {
  label: string;
  /** The part has as many as it may. */
  full: boolean;
  onFiles: (files: File[]) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        leftSection={<IconPhotoPlus size={15} />}
        aria-label={`Add images to ${label}`}
        disabled={full}
        onClick={() => input.current?.click()}
      >
        Add image
      </Button>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        accept={imageTypes.join(",")}
        aria-label={`Image files for ${label}`}
        onChange={(e) => {
          onFiles(Array.from(e.currentTarget.files ?? []));
          e.currentTarget.value = "";
        }}
      />
    </>
  );
}
