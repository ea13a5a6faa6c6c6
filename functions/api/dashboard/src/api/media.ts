import { api, newKey, take } from "./client";
import { Problem } from "./problem";

/** An image of a part, as the composer holds it. */
export interface PartImage {
  id: string;
  alt: string;
  /** Shows it for some minutes; null where images are not kept any more. */
  url: string | null;
  width: number;
  height: number;
  /** The media type and size of the file; what an older browser kept has neither. */
  type?: string;
  bytes?: number;
}

export const imageTypes = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/** Uploads one file beside the API, has it looked at, and says how far it is. */
export async function uploadImage(file: File, onProgress: (done: number) => void): Promise<PartImage> {
  const begun = await take(
    api.POST("/v1/media", {
      params: { header: { "idempotency-key": newKey() } },
      body: { name: file.name || "image", content_type: file.type, bytes: file.size },
    }),
  );
  await put(begun.upload, file, onProgress);
  const ready = await take(
    api.POST("/v1/media/{id}/complete", { params: { path: { id: begun.id } }, body: {} }),
  );
  const { id, url, width, height, bytes, type } = ready;
  return { id, alt: "", url, width, height, type, bytes };
}

interface Upload {
  method: string;
  url: string;
  headers: Record<string, string>;
}

/** fetch tells nothing about how far an upload is. */
function put(upload: Upload, file: File, onProgress: (done: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(upload.method, upload.url);
    for (const [name, value] of Object.entries(upload.headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (e) => e.lengthComputable && onProgress(e.loaded / e.total);
    request.onload = () =>
      request.status >= 200 && request.status < 300
        ? resolve()
        : reject(
            new Problem(request.status, {
              detail: "The image could not be uploaded.",
              hint: "Try again in a moment.",
            }),
          );
    request.onerror = () => reject(new Problem(0, {}));
    request.send(file);
  });
}
