import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { type KeyMap, useKeys } from "./useKeys";

function Keys({ map }: { map: KeyMap }) {
  useKeys(map);
  return <input aria-label="field" />;
}

const setup = (...maps: ((log: string[]) => KeyMap)[]) => {
  const log: string[] = [];
  const view = render(
    <>
      {maps.map((m, i) => (
        <Keys key={i} map={m(log)} />
      ))}
    </>,
  );
  return { log, view, user: userEvent.setup() };
};

describe("useKeys", () => {
  it("runs single keys and sequences, and a sequence never doubles as a single key", async () => {
    const { log, user } = setup(
      (l) => ({ "g a": () => l.push("go"), a: () => l.push("outer a") }),
      (l) => ({ a: () => l.push("a") }),
    );
    await user.keyboard("ga");
    expect(log).toEqual(["go"]);
    await user.keyboard("a");
    expect(log).toEqual(["go", "a"]);
  });
  it("is silent while someone types, except with a modifier", async () => {
    const { log, user, view } = setup((l) => ({ j: () => l.push("j"), "mod+k": () => l.push("palette") }));
    await user.click(view.getByLabelText("field"));
    await user.keyboard("j{Control>}k{/Control}");
    expect(log).toEqual(["palette"]);
  });
  it("is silent while a dialog is open", async () => {
    const { log, user } = setup((l) => ({ a: () => l.push("a") }));
    const dialog = document.createElement("div");
    dialog.setAttribute("role", "dialog");
    document.body.append(dialog);
    await user.keyboard("a");
    dialog.remove();
    expect(log).toEqual([]);
  });
  it("lets go of its keys when it leaves", async () => {
    const { log, user, view } = setup((l) => ({ a: () => l.push("a") }));
    view.unmount();
    await user.keyboard("a");
    expect(log).toEqual([]);
  });
});
