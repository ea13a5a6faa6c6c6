import type { PostState, PostSummary, Severity } from "../api/model";

export type Tone = "neutral" | "accent" | "blue" | "amber" | "red" | "violet";

interface StateWords {
  label: string;
  tone: Tone;
  /** One sentence: where the post stands. */
  sentence: string;
}

const table: Record<PostState, StateWords> = {
  draft: { label: "Draft", tone: "neutral", sentence: "It is being written." },
  in_review: { label: "In review", tone: "violet", sentence: "The reviewer is checking it." },
  awaiting_approval: {
    label: "Needs approval",
    tone: "amber",
    sentence: "It waits for a person to approve it.",
  },
  changes_requested: { label: "Changes wanted", tone: "amber", sentence: "Someone asked for changes." },
  rejected: { label: "Rejected", tone: "neutral", sentence: "It was turned down and will not go out." },
  approved: { label: "Approved", tone: "blue", sentence: "It is approved and has no time yet." },
  scheduled: { label: "Scheduled", tone: "blue", sentence: "It is approved and goes out at its second." },
  sending: { label: "Sending", tone: "blue", sentence: "It is going out right now." },
  published: { label: "Published", tone: "accent", sentence: "The audience can see it." },
  canceled: { label: "Canceled", tone: "neutral", sentence: "It was taken off and will not go out." },
  failed: { label: "Failed", tone: "red", sentence: "The network refused it. Nothing was published." },
  unknown: {
    label: "Unclear",
    tone: "violet",
    sentence: "The network never answered clearly, so it may or may not be out.",
  },
  missed: { label: "Missed", tone: "red", sentence: "Its time passed before it could go out." },
};

export function stateWords(state: PostState): StateWords {
  return table[state];
}

/** The label a post carries in a list: a hold says more than its state. */
export function postLabel(post: Pick<PostSummary, "state" | "hold">): { label: string; tone: Tone } {
  if (post.hold && post.state !== "published") return { label: "On hold", tone: "amber" };
  return table[post.state];
}

export function severityWords(severity: Severity): { label: string; tone: Tone } {
  switch (severity) {
    case "block":
      return { label: "Must fix", tone: "red" };
    case "warn":
      return { label: "Look at this", tone: "amber" };
    case "note":
      return { label: "Note", tone: "neutral" };
  }
}

/** "1 draft", "3 drafts". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${number(n)} ${n === 1 ? one : many}`;
}

export function number(n: number): string {
  return n.toLocaleString("en-GB");
}

/** 1234 → "1.2k"; exact below a thousand. */
export function shortNumber(n: number): string {
  if (n < 1_000) return String(n);
  if (n < 999_500) return `${(n / 1_000).toFixed(n < 10_000 ? 1 : 0)}k`;
  return `${(n / 1_000_000).toFixed(1)}m`;
}

/** Integer micro-USD as money: small sums keep their digits. */
export function money(microUsd: number): string {
  const usd = microUsd / 1_000_000;
  if (usd === 0) return "$0";
  if (usd < 0.01) return `$${usd.toFixed(4)}`;
  return `$${usd.toFixed(2)}`;
}

/** The machine's rule names as a person would say them: "banned_word" → "Banned word". */
export function humanCode(code: string): string {
  const words = code.replaceAll(/[_.-]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What came last of a network in trouble, in brackets: "(it answered 503)". A number of its own says nothing to people. */
export function troubleWords(code: string): string {
  const status = /^http_(\d{3})$/.exec(code)?.[1];
  if (status) return ` (it answered ${status})`;
  return code === "" || /\d/.test(code) ? "" : ` (${humanCode(code).toLowerCase()})`;
}

/** The site of an address, without "www.". */
export function siteOf(url: string): string {
  try {
    return new URL(url).hostname.replace(/^www\./, "");
  } catch {
    return url;
  }
}

/** The first letter in capitals, for sentences that begin with an agent's name. */
export function sentenceCase(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** In quotation marks, unless it brings its own. */
export function inQuotes(text: string): string {
  return /^["“«„]/.test(text) ? text : `“${text}”`;
}
