import { useRef, useState } from "react";
import type { PartImage } from "../api/media";
import { uploadImage } from "../api/media";
import type { Network } from "../api/model";
import { asJpeg } from "./jpeg";
import { asProblem } from "../api/problem";

export interface UploadUnderWay {
  key: number;
  partKey: number;
  name: string;
  /** From 0 to 1. */
  done: number;
  /** Why it did not work, in words; null while it is under way. */
  problem: string | null;
}

/** Four, as most networks take, while the network's own number is not here yet. */
const roomUnknown = 4;

/** The uploads of one composer. What is ready is handed to onReady, to its part. */
export function useUploads(
  network: Network | undefined,
  onReady: (partKey: number, image: PartImage) => void,
) {
  const room = network?.limits.max_images ?? roomUnknown;
  const [list, setList] = useState<UploadUnderWay[]>([]);
  const next = useRef(0);
  const change = (key: number, by: Partial<UploadUnderWay>) =>
    setList((all) => all.map((u) => (u.key === key ? { ...u, ...by } : u)));
  const drop = (key: number) => setList((all) => all.filter((u) => u.key !== key));

  const one = async (partKey: number, file: File) => {
    const key = next.current++;
    setList((all) => [...all, { key, partKey, name: file.name || "image", done: 0, problem: null }]);
    try {
      const image = await uploadImage(await fit(file, network), (done) => change(key, { done }));
      onReady(partKey, image);
      drop(key);
    } catch (e) {
      const p = asProblem(e);
      change(key, { problem: [p.sentence, p.hint].filter(Boolean).join(" ") });
    }
  };

  return {
    of: (partKey: number) => list.filter((u) => u.partKey === partKey),
    /** How many images a part may have. */
    room,
    busy: list.some((u) => u.problem === null),
    dismiss: drop,
    /** Uploads as many of the files as the part has room for. */
    add: (partKey: number, has: number, files: File[]) => {
      const underWay = list.filter((u) => u.partKey === partKey && u.problem === null).length;
      for (const file of files.slice(0, Math.max(0, room - has - underWay))) void one(partKey, file);
    },
  };
}

/** A file that the network takes only as JPEG becomes one here, where nothing is lost by waiting. */
async function fit(file: File, network: Network | undefined): Promise<File> {
  const types = network?.limits.image_types ?? [];
  if (types.length === 0 || types.includes(file.type) || !types.includes("image/jpeg")) return file;
  try {
    return await asJpeg(file);
  } catch {
    return file; // The server says what is wrong with it.
  }
}

export type Uploads = ReturnType<typeof useUploads>;
