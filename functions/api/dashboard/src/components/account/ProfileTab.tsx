import { TagsInput, Textarea, TextInput } from "@mantine/core";
import type { ProfileForm } from "../../lib/useProfileForm";
import { Panel } from "../Panel";
import { ListField } from "./ListField";
import { ProjectsField } from "./ProjectsField";

/** What the agents know about the account. */
export function ProfileTab({ form }: { form: ProfileForm }) {
  const { mine, set } = form;
  return (
    <div className="stack" style={{ gap: 16 }}>
      <Panel title="What it is for">
        <div className="stack" style={{ gap: 18 }}>
          <TextInput
            label="Name"
            value={mine.display_name}
            maxLength={80}
            onChange={(e) => set("display_name", e.currentTarget.value)}
          />
          <ListField
            label="Goals"
            description="Ideas are ranked against these."
            placeholder="What should be true in half a year?"
            add="Add a goal"
            values={mine.goals}
            onChange={(v) => set("goals", v)}
          />
          <TagsInput
            label="Interests"
            description="Enter after each"
            value={mine.interests}
            onChange={(v) => set("interests", v)}
          />
          <ProjectsField values={mine.projects} onChange={(v) => set("projects", v)} />
        </div>
      </Panel>
      <Panel title="How it speaks">
        <div className="stack" style={{ gap: 18 }}>
          <Textarea
            label="Audience"
            autosize
            minRows={2}
            value={mine.audience}
            onChange={(e) => set("audience", e.currentTarget.value)}
          />
          <Textarea
            label="Voice"
            autosize
            minRows={2}
            value={mine.voice}
            onChange={(e) => set("voice", e.currentTarget.value)}
          />
          <Textarea
            label="Guidelines"
            description="Rules the writer keeps to and the reviewer checks."
            autosize
            minRows={3}
            value={mine.guidelines}
            onChange={(e) => set("guidelines", e.currentTarget.value)}
          />
          <TagsInput
            label="Banned words"
            description="A draft with one of these is stopped in review."
            value={mine.banned_words}
            onChange={(v) => set("banned_words", v)}
          />
        </div>
      </Panel>
    </div>
  );
}
