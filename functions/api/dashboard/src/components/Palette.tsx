import { IconSearch } from "@tabler/icons-react";
import { useEffect, useId, useMemo, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { useAccounts } from "../api/accounts";
import { usePostList } from "../api/posts";
import { useMe } from "../api/session";
import { useOverlays } from "../lib/overlays";
import { stateWords } from "../lib/words";
import { Key } from "./Key";
import { Dialog } from "./Dialog";
import classes from "./Palette.module.css";

interface Command {
  id: string;
  label: string;
  group: string;
  keys?: string;
  note?: string;
  run: () => void;
}

/** Search over pages, actions, accounts and posts. */
export default function Palette({ onClose }: { onClose: () => void }) {
  const [query, setQuery] = useState("");
  const [index, setIndex] = useState(0);
  const commands = useCommands(query.trim());
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const active = Math.min(index, Math.max(0, commands.length - 1));

  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [active]);

  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.run();
  };
  const onKey = (event: React.KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setIndex((active + step + commands.length) % Math.max(1, commands.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(commands[active]);
    }
  };

  return (
    <Dialog
      onClose={onClose}
      withCloseButton={false}
      size={560}
      padding={0}
      aria-label="Search and commands"
      transitionProps={{ duration: 80 }}
    >
      <div className={classes.search}>
        <IconSearch size={17} aria-hidden />
        <input
          data-autofocus
          role="combobox"
          aria-expanded
          aria-controls={`${id}-list`}
          aria-activedescendant={commands[active] ? `${id}-${active}` : undefined}
          aria-label="Search pages, actions, accounts and posts"
          placeholder="Search, or say what to do"
          value={query}
          onChange={(e) => {
            setQuery(e.currentTarget.value);
            setIndex(0);
          }}
          onKeyDown={onKey}
        />
      </div>
      <div className={classes.list} role="listbox" id={`${id}-list`} ref={list} aria-label="Results">
        {commands.map((c, i) => (
          <div key={c.id} role="presentation">
            {commands[i - 1]?.group !== c.group && (
              <div className={classes.group} role="presentation">
                {c.group}
              </div>
            )}
            <div
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === active}
              tabIndex={-1}
              className={classes.option}
              onMouseMove={() => setIndex(i)}
              onClick={() => run(c)}
              onKeyDown={undefined}
            >
              <span className="clip">{c.label}</span>
              {c.note && <span className={classes.note}>{c.note}</span>}
              {c.keys && (
                <span className={classes.keys}>
                  {c.keys.split(" ").map((k) => (
                    <Key key={k}>{k}</Key>
                  ))}
                </span>
              )}
            </div>
          </div>
        ))}
        {commands.length === 0 && <p className={classes.none}>Nothing matches “{query}”.</p>}
      </div>
    </Dialog>
  );
}

function useCommands(query: string): Command[] {
  const navigate = useNavigate();
  const overlays = useOverlays();
  const accounts = useAccounts().data;
  const me = useMe().data;
  const search = usePostList(query.length > 1 ? { q: query } : {});
  return useMemo(() => {
    const go = (to: string) => () => void navigate(to);
    const fixed: Command[] = [
      { id: "compose", label: "Compose a post", group: "Actions", keys: "C", run: go("/compose") },
      {
        id: "generate",
        label: "Generate drafts",
        group: "Actions",
        keys: "N",
        run: () => overlays.openGenerate(),
      },
      { id: "help", label: "Keyboard shortcuts", group: "Actions", keys: "?", run: overlays.openHelp },
      { id: "today", label: "Today", group: "Pages", keys: "G T", run: go("/") },
      { id: "approvals", label: "Approvals", group: "Pages", keys: "G A", run: go("/approvals") },
      { id: "calendar", label: "Calendar", group: "Pages", keys: "G C", run: go("/calendar") },
      { id: "posts", label: "Posts", group: "Pages", keys: "G P", run: go("/posts") },
      { id: "ideas", label: "Ideas", group: "Pages", keys: "G I", run: go("/ideas") },
      { id: "accounts", label: "Accounts", group: "Pages", keys: "G U", run: go("/accounts") },
      { id: "activity", label: "Activity", group: "Pages", keys: "G H", run: go("/activity") },
      { id: "system", label: "System", group: "Pages", keys: "G Y", run: go("/system") },
      { id: "settings", label: "Settings", group: "Pages", keys: "G S", run: go("/settings") },
    ];
    for (const { name, url } of me?.links.simulated_networks ?? []) {
      const run = () => void window.open(url, "_blank", "noreferrer");
      fixed.push({ id: `sim ${name}`, label: `Simulated ${name}`, group: "Pages", run });
    }
    for (const a of accounts ?? []) {
      fixed.push({
        id: a.id,
        label: `@${a.handle}`,
        note: a.display_name,
        group: "Accounts",
        run: go(`/accounts/${a.id}`),
      });
    }
    const wanted = query.toLowerCase();
    const found = fixed.filter((c) => `${c.label} ${c.note ?? ""}`.toLowerCase().includes(wanted));
    const posts = query.length > 1 ? (search.data?.pages[0]?.items.slice(0, 6) ?? []) : [];
    for (const p of posts) {
      const note = stateWords(p.state).label;
      found.push({ id: p.id, label: p.text, note, group: "Posts", run: go(`/posts/${p.id}`) });
    }
    return found;
  }, [query, accounts, me, navigate, overlays, search.data]);
}
