import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSaveAccount } from "../api/accounts";
import { api, take } from "../api/client";
import { keys } from "../api/keys";
import type { Account, AccountProfile, ZoneChoice } from "../api/model";
import { asProblem } from "../api/problem";
import { changedFields, fieldNames, type Field, merge, patchOf, profileOf } from "./merge";
import { say } from "./toast";

export interface Clash {
  theirs: Account;
  fields: Field[];
}

/** The profile being edited, saved with If-Match; two people's changes are joined field by field. */
export function useProfileForm(account: Account) {
  const client = useQueryClient();
  const save = useSaveAccount();
  const [base, setBase] = useState({ profile: profileOf(account), etag: account.etag });
  const [mine, setMine] = useState(base.profile);
  const [clash, setClash] = useState<Clash | null>(null);
  const changed = changedFields(base.profile, mine);

  // Someone else's save arrives while nothing is being edited here: follow it.
  if (changed.length === 0 && clash === null && account.etag !== base.etag) {
    const profile = profileOf(account);
    setBase({ profile, etag: account.etag });
    setMine(profile);
  }

  const store = async (
    from: { profile: AccountProfile; etag: string },
    next: AccountProfile,
    planned?: ZoneChoice,
  ): Promise<void> => {
    const change = patchOf(from.profile, next);
    const stored = await save.mutateAsync({ id: account.id, etag: from.etag, change, planned });
    const profile = profileOf(stored);
    setBase({ profile, etag: stored.etag });
    setMine(profile);
  };
  const run = async (from: typeof base, next: AccountProfile, planned?: ZoneChoice): Promise<void> => {
    try {
      await store(from, next, planned);
      say("Saved");
    } catch (error) {
      if (asProblem(error).status !== 412) return;
      const theirs = await take(api.GET("/v1/accounts/{id}", { params: { path: { id: account.id } } }));
      const joined = merge(from.profile, next, profileOf(theirs));
      const their = changedFields(from.profile, profileOf(theirs)).map((f) => fieldNames[f]);
      setBase({ profile: profileOf(theirs), etag: theirs.etag });
      setMine(joined.merged);
      save.reset();
      if (joined.conflicts.length > 0) {
        setClash({ theirs, fields: joined.conflicts });
        setMine({ ...joined.merged, ...Object.fromEntries(joined.conflicts.map((f) => [f, next[f]])) });
        return;
      }
      await store({ profile: profileOf(theirs), etag: theirs.etag }, joined.merged);
      say("Saved together", {
        body: `Someone else changed ${their.join(", ")} meanwhile; both changes are kept.`,
      });
    } finally {
      void client.invalidateQueries({ queryKey: keys.accounts });
    }
  };
  return {
    mine,
    changed,
    clash,
    pending: save.isPending,
    error: save.error,
    set: <K extends Field>(field: K, value: AccountProfile[K]) => setMine((m) => ({ ...m, [field]: value })),
    reset: () => {
      setMine(base.profile);
      setClash(null);
      save.reset();
    },
    save: (planned?: ZoneChoice) => {
      setClash(null);
      void run(base, mine, planned).catch(() => undefined);
    },
    /** Puts a question of the server aside; what was changed stays. */
    hush: () => save.reset(),
    takeTheirs: (field: Field) => {
      if (!clash) return;
      const theirs = profileOf(clash.theirs);
      setMine((m) => ({ ...m, [field]: theirs[field] }));
      const left = clash.fields.filter((f) => f !== field);
      setClash(left.length > 0 ? { ...clash, fields: left } : null);
    },
  };
}

export type ProfileForm = ReturnType<typeof useProfileForm>;
