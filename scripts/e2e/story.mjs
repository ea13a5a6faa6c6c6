// The main story as a person lives it, in a real browser against a running
// stack: sign in, ask for a draft, approve it with the keyboard, and see it
// published. Then each page is held to axe's accessibility rules at desk and
// phone width, and to showing no error. Started by `go run ./scripts/e2e`.
import { createRequire } from "node:module";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(new URL("../../functions/api/dashboard/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const { AxeBuilder } = require("@axe-core/playwright");

const { BASE_URL: base, EMAIL: email, PASSWORD: password, CHROMIUM: executablePath, NETWORK_URL: network, SHOTS: shots } = process.env;
mkdirSync(shots, { recursive: true });

const begun = Date.now();
let step = "start";
/** Problems that the page itself reported. */
const problems = [];

function say(text) {
  console.log(`${((Date.now() - begun) / 1000).toFixed(2).padStart(6)} s  ${step.padEnd(10)} ${text}`);
}

function must(condition, why) {
  if (!condition) throw new Error(why);
}

async function signIn(page) {
  step = "sign in";
  await page.goto(base);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").first().fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("navigation", { name: "Main" }).waitFor();
  say(`as ${email}`);
}

/** Reads the API with the session of the page. */
function api(page, path) {
  return page.evaluate(async (path) => (await fetch(path)).json(), path);
}

async function until(limit, what, check) {
  const deadline = Date.now() + limit;
  for (;;) {
    const found = await check();
    if (found) return found;
    must(Date.now() < deadline, `${what}: not within ${limit / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

async function generate(page) {
  step = "generate";
  await page.goto(`${base}/approvals`);
  await page.getByRole("heading", { name: "Approvals" }).waitFor();
  await page.keyboard.press("n");
  const dialog = page.getByRole("dialog", { name: "Generate drafts" });
  await dialog.getByLabel("How many").fill("1");
  const answer = page.waitForResponse((r) => new URL(r.url()).pathname === "/v1/generate");
  await dialog.getByRole("button", { name: "Generate", exact: true }).click();
  const { id } = await (await answer).json();
  const done = await until(60_000, "the agents did not finish", async () => {
    const g = await api(page, `/v1/generations/${id}`);
    must(g.state !== "failed", `the agents gave up: ${g.progress}`);
    return g.state === "done" && g;
  });
  must(done.post_ids.length > 0, "the agents wrote no draft");
  await page.keyboard.press("Escape");
  const post = done.post_ids[0];
  await until(60_000, "the review did not end", async () => (await api(page, `/v1/posts/${post}`)).state === "awaiting_approval");
  say("a reviewed draft waits");
  return post;
}

async function approve(page, id) {
  step = "approve";
  await page.goto(`${base}/approvals/${id}`);
  await page.getByRole("article", { name: /^Draft for @/ }).waitFor();
  await page.getByRole("heading", { name: "Review", exact: true }).waitFor();
  // T goes round the times; every page works without a mouse.
  const now = page.getByRole("radio", { name: "Now" });
  for (let i = 0; i < 4 && (await now.getAttribute("aria-checked")) !== "true"; i++) await page.keyboard.press("t");
  must((await now.getAttribute("aria-checked")) === "true", "the key T does not reach “Now”");
  await page.screenshot({ path: join(shots, "approvals.png") });
  await page.keyboard.press("a");
  await page.getByText(/^Approved/).first().waitFor();
  say("with the keys t and a");
}

async function published(page, id) {
  step = "publish";
  await page.goto(`${base}/posts/${id}`);
  const post = await until(60_000, "the post did not go out", async () => {
    const p = await api(page, `/v1/posts/${id}`);
    must(!["failed", "unknown", "missed"].includes(p.state), `the post is ${p.state}: ${p.why_not_out}`);
    return p.state === "published" && p;
  });
  await page.getByText("Published", { exact: false }).first().waitFor();
  await page.screenshot({ path: join(shots, "post.png"), fullPage: true });
  const { items } = await (await fetch(`${network}/_sim/ledger?format=json`)).json();
  const seen = items.filter((i) => i.text === post.parts[0].text);
  must(seen.length === 1, `the audience saw the post ${seen.length} times`);
  say(`seen once at ${seen[0].accepted_at}, ${post.lateness_ms} ms after its second`);
}

async function numbers(page) {
  step = "numbers";
  // Nobody reloads: the open page hears of the reading through /v1/changes.
  const views = page.locator("dt", { hasText: "Views" });
  await views.waitFor({ timeout: 120_000 });
  say(`the open page shows ${await views.locator("xpath=following-sibling::dd").innerText()} views`);
}

function pathsFor(id) {
  return ["/", "/approvals", "/calendar", "/compose", "/posts", `/posts/${id}`, "/ideas", "/accounts", "/activity", "/settings"];
}

/** The dark scheme has its own colours and so its own contrasts; all else is as in the light one. */
async function darkPages(context, id) {
  step = "dark";
  const faults = [];
  const page = await context.newPage();
  watch(page);
  await page.emulateMedia({ colorScheme: "dark" });
  for (const path of pathsFor(id)) {
    await page.goto(base + path);
    await page.locator("h1").first().waitFor();
    await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
    const label = path === "/" ? "today" : path.split("/")[1] + (path.split("/").length > 2 ? "-one" : "");
    await page.screenshot({ path: join(shots, `${label}-dark.png`), fullPage: true });
    const { violations } = await new AxeBuilder({ page }).withRules(["color-contrast"]).analyze();
    for (const v of violations) faults.push(`${path} in the dark: ${v.help} (${v.nodes.length}, first ${v.nodes[0].target})`);
  }
  await page.close();
  must(faults.length === 0, faults.join("\n  "));
  say("the same pages in the dark scheme: every contrast holds");
}

async function pages(context, id) {
  step = "pages";
  const paths = pathsFor(id);
  const faults = [];
  for (const [name, viewport] of [["desk", { width: 1440, height: 900 }], ["phone", { width: 390, height: 844 }]]) {
    const page = await context.newPage();
    await page.setViewportSize(viewport);
    watch(page);
    for (const path of paths) {
      await page.goto(base + path);
      await page.locator("h1").first().waitFor();
      await page.waitForFunction(() => !document.querySelector("[aria-busy=true]"));
      const title = await page.locator("h1").first().innerText();
      if (/nothing here|went wrong/i.test(title)) faults.push(`${path} says “${title}”`);
      const label = path === "/" ? "today" : path.split("/")[1] + (path.split("/").length > 2 ? "-one" : "");
      await page.screenshot({ path: join(shots, `${label}-${name}.png`), fullPage: true });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 1) faults.push(`${path} at ${name} width scrolls sideways by ${wide} px`);
      const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]).analyze();
      for (const v of violations) faults.push(`${path} at ${name} width: ${v.id}: ${v.help} (${v.nodes.length}, first ${v.nodes[0].target})`);
    }
    await page.close();
  }
  must(faults.length === 0, faults.join("\n  "));
  say(`${paths.length} pages at two widths: no finding of axe, nothing scrolls sideways`);
}

function watch(page) {
  page.on("pageerror", (e) => problems.push(`${page.url()}: ${e.message}`));
  page.on("console", (m) => {
    // The first look at /v1/me before signing in is answered 401 on purpose.
    if (m.type() === "error" && !m.text().includes("401")) problems.push(`${page.url()}: ${m.text()}`);
  });
}

const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
let page;
try {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  context.setDefaultTimeout(15_000);
  page = await context.newPage();
  watch(page);
  await signIn(page);
  const id = await generate(page);
  await approve(page, id);
  await published(page, id);
  await numbers(page);
  await pages(context, id);
  await darkPages(context, id);
  step = "console";
  must(problems.length === 0, `the pages reported:\n  ${[...new Set(problems)].join("\n  ")}`);
  console.log(`e2e: ok in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
} catch (error) {
  await page?.screenshot({ path: join(shots, "failed.png") }).catch(() => undefined);
  console.log(`e2e: failed at ${step}: ${error.message}\n  screenshots: ${shots}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
