// Keeps the timeline current and works the fault dial. The page is complete
// without it.
(() => {
  const threads = document.getElementById("threads");
  const live = threads && threads.dataset.live;
  let busy = false;
  const refresh = async () => {
    const selecting = window.getSelection && String(window.getSelection()) !== "";
    if (!live || busy || document.hidden || selecting || threads.contains(document.activeElement)) return;
    busy = true;
    try {
      const answer = await fetch(live, { headers: { Accept: "text/html" } });
      if (answer.ok) {
        const html = await answer.text();
        if (html !== threads.innerHTML) threads.innerHTML = html;
      }
    } catch {
      // The network is restarting; the next round finds it.
    } finally {
      busy = false;
    }
  };
  if (live) setInterval(refresh, 2000);

  const dial = document.querySelector("[data-dial]");
  if (!dial) return;
  const state = dial.querySelector("[data-state]");
  const show = async () => {
    const faults = await (await fetch("/_sim/faults")).json();
    const select = dial.elements.preset;
    if (select.options.length === 0) {
      for (const name of faults.presets) select.add(new Option(name.replaceAll("_", " "), name));
    }
    const active = faults.rules.filter((rule) => !rule.spent);
    state.textContent = active.length === 0
      ? "No fault is set."
      : active.map((rule) => `${(rule.preset || rule.action.kind).replaceAll("_", " ")}: struck ${rule.struck}${rule.times ? " of " + rule.times : ""}`).join(" · ");
  };
  dial.closest("details").addEventListener("toggle", show);
  dial.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [method, path] = dial.elements.endpoint.value.split(" ");
    await fetch("/_sim/faults", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ preset: dial.elements.preset.value, match: { method, path }, action: {}, times: Number(dial.elements.times.value) }),
    });
    await show();
  });
  dial.querySelector("[data-clear]").addEventListener("click", async () => {
    await fetch("/_sim/faults", { method: "DELETE" });
    await show();
  });
})();
