import classes from "./Pictures.module.css";

interface Props {
  images: { id: string; alt: string; url: string | null; width: number; height: number }[];
  /** Large: to judge by. Each image is whole, with its alt text in words. */
  large?: boolean;
}

/** The images of one part: as X lays them out, or large and with their alt texts. */
export function Pictures({ images, large = false }: Props) {
  if (images.length === 0) return null;
  return (
    <ul className={large ? classes.large : classes.grid} data-count={images.length}>
      {images.map((m) => (
        <li key={m.id}>
          {m.url ? (
            <a
              href={m.url}
              target="_blank"
              rel="noreferrer"
              aria-label={`Open the image: ${m.alt || "no alt text"}`}
            >
              <img src={m.url} alt={m.alt} width={m.width} height={m.height} loading="lazy" />
            </a>
          ) : (
            <span className={classes.gone}>The image is not kept here any more.</span>
          )}
          {large && (
            <p className={classes.alt} data-empty={m.alt === "" || undefined}>
              {m.alt === ""
                ? "No alt text: who does not see the image learns nothing of it."
                : `Alt text: ${m.alt}`}
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}
