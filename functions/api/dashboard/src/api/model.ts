// The wire shapes of /v1 under the names the pages use; all come from the
// committed openapi.json (npm run types). Ids are opaque and never shown.
import type { components } from "./schema.gen";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type Account = Schemas["Account"];
export type Network = Schemas["Network"];
export type NetworkId = Network["network"];
export type Project = Schemas["Project"];
export type Slot = Schemas["Slot"];
export type Source = Schemas["Source"];
export type Generation = Schemas["Generation"];
export type Idea = Schemas["Idea"];
export type Run = Schemas["Run"];
export type PostSummary = Schemas["PostSummary"];
export type PublishedSummary = Schemas["PublishedPost"];
export type Post = Schemas["Post"];
export type Part = Schemas["Part"];
export type Finding = Schemas["Finding"];
export type Review = Schemas["Review"];
export type Approval = Schemas["Approval"];
export type Version = Schemas["Version"];
export type Attempt = Schemas["Attempt"];
export type MetricReading = Schemas["Reading"];
export type HistoryEvent = Schemas["Event"];
export type AuditEvent = Schemas["Event"];
export type Today = Schemas["TodayOutputBody"];
export type Calendar = Schemas["CalendarOutputBody"];
export type CalendarSlot = Schemas["CalendarSlot"];
export type Changes = Schemas["ChangesOutputBody"];
export type Recurrence = Schemas["Recurrence"];
export type Occurrence = Schemas["Occurrence"];

/** What becomes of the planned posts of a recurrence that is removed. */
export type Leftover = "keep" | "cancel_unapproved" | "cancel_all";
/** What a new time zone means for planned posts. */
export type ZoneChoice = "keep_instant" | "keep_local_time";
export type QueueDepth = Schemas["QueueDepth"];
export type System = Schemas["SystemOutputBody"];
export type Quota = Schemas["QuotaShown"];
export type Breaker = Schemas["BreakerShown"];
export type Switch = Schemas["SwitchShown"];

export type PostState = Post["state"];
export type Severity = Finding["severity"];
export type CatchUp = Account["catch_up"];

/** What PATCH /v1/accounts/{id} may change. */
export type AccountProfile = Pick<
  Account,
  | "display_name"
  | "time_zone"
  | "goals"
  | "interests"
  | "projects"
  | "audience"
  | "voice"
  | "guidelines"
  | "banned_words"
  | "slots"
  | "posts_per_week"
  | "min_gap_minutes"
  | "catch_up"
  | "catch_up_within_minutes"
>;

export type Permission =
  | "read_workspace"
  | "edit_posts"
  | "approve_posts"
  | "schedule_posts"
  | "manage_accounts"
  | "manage_workspace"
  | "run_agents"
  | "resolve_unknown";

/** A problem document, read leniently: a proxy may answer in the server's place. */
export type ProblemBody = Partial<Omit<Schemas["Problem"], "errors">> & {
  errors?: Partial<Schemas["ProblemField"]>[] | null;
};
