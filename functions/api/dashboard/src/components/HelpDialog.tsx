import { Key } from "./Key";
import { Dialog } from "./Dialog";
import classes from "./HelpDialog.module.css";

const groups: { title: string; rows: [string, string][] }[] = [
  {
    title: "Anywhere",
    rows: [
      ["Ctrl K", "Search and commands"],
      ["C", "Compose a post"],
      ["N", "Generate drafts"],
      ["?", "This help"],
    ],
  },
  {
    title: "Go to",
    rows: [
      ["G T", "Today"],
      ["G A", "Approvals"],
      ["G C", "Calendar"],
      ["G P", "Posts"],
      ["G I", "Ideas"],
      ["G U", "Accounts"],
      ["G H", "Activity"],
      ["G Y", "System"],
      ["G S", "Settings"],
    ],
  },
  {
    title: "Approvals",
    rows: [
      ["J K", "Next, previous"],
      ["A", "Approve for the time chosen"],
      ["T", "Change the time: slot, now, pick"],
      ["R", "Request changes"],
      ["E", "Edit"],
      ["D", "Show what changed"],
    ],
  },
  {
    title: "Calendar",
    rows: [
      ["J K", "Next, previous month or week"],
      ["T", "Back to today"],
      ["M W", "Month, week"],
    ],
  },
];

export default function HelpDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog onClose={onClose} title="Keyboard shortcuts" size="lg">
      <div className={classes.grid}>
        {groups.map((g) => (
          <section key={g.title}>
            <h3>{g.title}</h3>
            <dl className={classes.list}>
              {g.rows.map(([keys, what]) => (
                <div key={what} className={classes.line}>
                  <dt>{what}</dt>
                  <dd>
                    <span className="sr">{keys}</span>
                    {keys.split(" ").map((k) => (
                      <Key key={k}>{k}</Key>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
