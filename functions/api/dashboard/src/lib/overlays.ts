import { createContext, useContext } from "react";
import type { PostSummary } from "../api/model";

/** Dialogs that any page may open. */
export interface Overlays {
  openPalette: () => void;
  openHelp: () => void;
  openGenerate: (accountId?: string) => void;
  openMove: (post: PostSummary) => void;
}

export const OverlaysContext = createContext<Overlays | null>(null);

export function useOverlays(): Overlays {
  const overlays = useContext(OverlaysContext);
  if (!overlays) throw new Error("useOverlays needs the Shell around it");
  return overlays;
}
