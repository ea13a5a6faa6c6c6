/** Puts the keyboard at the page's content, for what had it and is gone. */
export function focusContent(): void {
  document.getElementById("content")?.focus({ preventScroll: true });
}
