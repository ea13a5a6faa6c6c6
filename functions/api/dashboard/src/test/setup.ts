import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";

if (typeof window !== "undefined") prepareWindow();

function prepareWindow(): void {
  // A busy machine needs its time; a test that waits in vain fails all the same.
  configure({ asyncUtilTimeout: 8_000 });

  afterEach(() => {
    cleanup();
    localStorage.clear();
  });

  // What jsdom lacks and Mantine asks for.
  Object.defineProperty(window, "matchMedia", {
    value: (query: string) => ({
      matches: false,
      media: query,
      addEventListener: () => undefined,
      removeEventListener: () => undefined,
      addListener: () => undefined,
      removeListener: () => undefined,
      dispatchEvent: () => false,
      onchange: null,
    }),
  });
  class StubObserver {
    observe(): void {
      /* nothing is laid out in jsdom */
    }
    unobserve(): void {
      /* as above */
    }
    disconnect(): void {
      /* as above */
    }
  }
  vi.stubGlobal("ResizeObserver", StubObserver);
  Element.prototype.scrollIntoView = () => undefined;
  Object.defineProperty(document, "fonts", { value: new EventTarget() });
}
