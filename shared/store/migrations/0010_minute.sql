-- +goose Up
-- What each tick asks of the posts that are due soon, when a minute has 100,000
-- of them: without these it looks at each one to find the few that it is about.

-- Not handed out yet, or edited since. Written as a number because Postgres takes
-- a number it knows nothing of to be rare and a comparison of two columns to be
-- true, and then reads the whole table.
CREATE INDEX posts_to_hand_out ON posts (due_at, id) WHERE state = 'scheduled' AND (dispatched_revision IS DISTINCT FROM revision)::int = 1;

CREATE INDEX posts_held ON posts (due_at, id) WHERE state = 'scheduled' AND hold_reason <> '';

-- +goose Down
DROP INDEX posts_to_hand_out;
DROP INDEX posts_held;
