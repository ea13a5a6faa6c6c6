// Package loop walks the whole loop on a running stack, step by step: an idea
// with its source, the draft, its review, an image for it, the approval, the post at its second
// as the network's audience sees it, and its first numbers. It looks from
// outside only, through the HTTP API and the simulated network's ledger.
package loop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"rostrum/scripts/internal/driver"
	"rostrum/scripts/internal/stack"
)

const (
	draftWithin  = 60 * time.Second
	reviewWithin = 60 * time.Second
	sendWithin   = 60 * time.Second
	readWithin   = 60 * time.Second
	// lead is the time between the approval and the post's second.
	lead = 6 * time.Second
)

// Demo is one run and what its steps hand on.
type Demo struct {
	out      io.Writer
	begun    time.Time
	step     string
	stack    *stack.Stack
	client   *driver.Client
	account  driver.Account
	post     driver.Post
	postID   string
	image    driver.Image
	lateness int64
}

// New begins a run, which tells out what it finds.
func New(out io.Writer) *Demo { return &Demo{out: out, begun: time.Now(), step: "start"} }

// Say prints one finding of the current step with the time since the start.
func (d *Demo) Say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, "%6.2f s  %-9s %s\n", time.Since(d.begun).Seconds(), d.step, fmt.Sprintf(format, args...))
}

// End prints the last line, "demo: ok ..." or "demo: failed at <step>: <why>",
// and reports whether all went well.
func (d *Demo) End(err error) bool {
	if err != nil {
		_, _ = fmt.Fprintf(d.out, "demo: failed at %s: %v\n", d.step, err)
		return false
	}
	_, _ = fmt.Fprintf(d.out, "demo: ok in %.1f s, lateness %d ms\n", time.Since(d.begun).Seconds(), d.lateness)
	return true
}

// Walk does every step on the stack, and stops at the first that fails.
func (d *Demo) Walk(ctx context.Context, s *stack.Stack) error {
	d.stack, d.client = s, driver.New(s.URL)
	defer d.client.Close()
	if err := s.Welcome(ctx, 0); err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"sign in", d.signIn},
		{"idea", d.draft},
		{"review", d.review},
		{"image", d.illustrate},
		{"approval", d.approve},
		{"publish", d.publish},
		{"ledger", d.ledger},
		{"metrics", d.metrics},
	} {
		d.step = step.name
		if err := step.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *Demo) signIn(ctx context.Context) error {
	if err := d.client.SignIn(ctx, stack.DemoEmail, stack.DemoPassword); err != nil {
		return err
	}
	var list struct {
		Items []driver.Account `json:"items"`
	}
	if err := d.client.Get(ctx, "/v1/accounts", &list); err != nil {
		return err
	}
	i := slices.IndexFunc(list.Items, func(a driver.Account) bool { return a.Network == "x" })
	if i < 0 {
		return fmt.Errorf("none of the demo workspace's %d accounts is on X", len(list.Items))
	}
	d.account = list.Items[i]
	d.Say("as %s; writing for @%s", stack.DemoEmail, d.account.Handle)
	return nil
}

func (d *Demo) draft(ctx context.Context) error {
	var g driver.Generation
	if err := d.client.Post(ctx, "/v1/generate", map[string]any{"account_id": d.account.ID, "wanted": 1}, &g); err != nil {
		return err
	}
	progress := ""
	err := driver.Until(ctx, draftWithin, "the agents did not finish a draft", func() (bool, error) {
		if err := d.client.Get(ctx, "/v1/generations/"+g.ID, &g); err != nil {
			return false, err
		}
		if g.Progress != progress {
			progress = g.Progress
			d.Say("%s", progress)
		}
		if g.State == "failed" {
			return false, errors.New("the agents gave up: " + g.Progress)
		}
		return g.State == "done", nil
	})
	if err != nil {
		return err
	}
	if len(g.PostIDs) == 0 {
		return errors.New("the agents are done, but wrote no draft")
	}
	d.postID = g.PostIDs[0]
	if err := d.load(ctx); err != nil {
		return err
	}
	idea := d.post.Idea
	if idea == nil || idea.Title == "" || idea.SourceTitle+idea.SourceURL == "" {
		return errors.New("the draft names no idea with a source")
	}
	d.Say("%s", idea.Title)
	d.Say("source: %s %s", idea.SourceTitle, idea.SourceURL)
	d.step = "draft"
	if d.post.CorrelationID == "" {
		return errors.New("the draft has no correlation id")
	}
	for i, part := range d.post.Parts {
		if part.Length == 0 || part.Length > part.Limit {
			return fmt.Errorf("part %d has %d of %d characters", i+1, part.Length, part.Limit)
		}
		d.Say("%q (%d of %d)", part.Text, part.Length, part.Limit)
	}
	d.Say("correlation id %s, in every log line from here to the metrics", d.post.CorrelationID)
	return nil
}

func (d *Demo) review(ctx context.Context) error {
	err := d.await(ctx, reviewWithin, "the review did not end", func() bool { return d.post.State == "awaiting_approval" })
	if err != nil {
		return err
	}
	r := d.post.Review
	if r == nil || r.Verdict == "" {
		return errors.New("the post awaits approval without a review")
	}
	d.Say("%s, %d findings. %s", r.Verdict, len(r.Findings), r.Summary)
	for _, f := range r.Findings {
		d.Say("%s %s: %s", f.Severity, f.Rule, f.Message)
	}
	return nil
}

func (d *Demo) approve(ctx context.Context) error {
	zone, err := time.LoadLocation(d.account.TimeZone)
	if err != nil {
		return fmt.Errorf("the account's time zone: %w", err)
	}
	due := time.Now().Add(lead).Truncate(time.Second)
	err = d.client.Post(ctx, "/v1/posts/"+d.postID+"/approve", map[string]any{
		"revision": d.post.Revision, "content_hash": d.post.ContentHash, "due_local": due.In(zone).Format("2006-01-02T15:04:05"),
	}, &d.post)
	if err != nil {
		return err
	}
	a := d.post.Approval
	switch {
	case a == nil || a.Kind != "person":
		return errors.New("the post carries no approval of a person")
	case a.ContentHash != d.post.ContentHash:
		return fmt.Errorf("approved is %s, but the content is %s", a.ContentHash, d.post.ContentHash)
	case d.post.DueAt == nil || !d.post.DueAt.Equal(due):
		return fmt.Errorf("due is %v, but %s was asked for", d.post.DueAt, due.UTC())
	}
	d.Say("by %s, bound to %s", a.By, a.ContentHash)
	d.Say("due %s (%s)", d.post.DueAt.UTC().Format(time.RFC3339), d.account.TimeZone)
	return nil
}

func (d *Demo) publish(ctx context.Context) error {
	err := d.await(ctx, sendWithin, "the post did not go out", func() bool { return d.post.State == "published" })
	if err != nil {
		return err
	}
	if d.post.LatenessMS == nil || d.post.PublishedAt == nil {
		return errors.New("the post is published, but its time was not stored")
	}
	d.lateness = *d.post.LatenessMS
	if d.lateness < 0 || d.post.PublishedAt.Before(*d.post.DueAt) {
		return fmt.Errorf("the post went out %d ms before its second", -d.lateness)
	}
	d.Say("at %s, %d ms after its second", d.post.PublishedAt.UTC().Format("15:04:05.000"), d.lateness)
	return nil
}

func (d *Demo) ledger(ctx context.Context) error {
	shown, err := d.client.Ledger(ctx, d.stack.NetworkURL, d.account.Handle)
	if err != nil {
		return err
	}
	if len(shown) != len(d.post.Parts) {
		return fmt.Errorf("the audience saw %d posts, not %d", len(shown), len(d.post.Parts))
	}
	for i, s := range shown {
		if s.Text != d.post.Parts[i].Text {
			return fmt.Errorf("the audience saw %q, but approved was %q", s.Text, d.post.Parts[i].Text)
		}
		if err := d.illustrated(i, s); err != nil {
			return err
		}
		if s.AcceptedAt.Before(*d.post.DueAt) {
			return fmt.Errorf("the network took the post %s early", d.post.DueAt.Sub(s.AcceptedAt))
		}
	}
	d.Say("@%s at %s: %s", shown[0].Handle, shown[0].AcceptedAt.UTC().Format("15:04:05.000"), strings.Join(strings.Fields(shown[0].Text), " "))
	d.Say("%s", shown[0].URL)
	return nil
}

func (d *Demo) metrics(ctx context.Context) error {
	var r driver.Reading
	err := driver.Until(ctx, readWithin, "no numbers were read", func() (bool, error) {
		var list struct {
			Items []driver.Reading `json:"items"`
		}
		if err := d.client.Get(ctx, "/v1/posts/"+d.postID+"/metrics", &list); err != nil {
			return false, err
		}
		if len(list.Items) == 0 {
			return false, errors.New("no reading is planned")
		}
		r = list.Items[0]
		return r.TakenAt != nil, nil
	})
	if err != nil {
		return err
	}
	if r.Impressions == nil || r.Likes == nil {
		return errors.New("the reading carries no impressions and likes: " + r.Problem)
	}
	d.Say("after %d s: %d impressions, %d likes", r.AgeSeconds, *r.Impressions, *r.Likes)
	return nil
}

func (d *Demo) load(ctx context.Context) error {
	d.post = driver.Post{}
	return d.client.Get(ctx, "/v1/posts/"+d.postID, &d.post)
}

// await reloads the post until it is as wanted; a post that ended elsewhere
// ends the waiting too.
func (d *Demo) await(ctx context.Context, limit time.Duration, what string, wanted func() bool) error {
	err := driver.Until(ctx, limit, what, func() (bool, error) {
		if err := d.load(ctx); err != nil {
			return false, err
		}
		switch d.post.State {
		case "failed", "missed", "unknown", "rejected", "canceled", "changes_requested":
			why := d.post.WhyNotOut
			if d.post.Failure != nil {
				why = d.post.Failure.Sentence
			}
			return false, fmt.Errorf("the post is %s: %s", d.post.State, why)
		}
		return wanted(), nil
	})
	if err != nil {
		return fmt.Errorf("%w (it is %s)", err, d.post.State)
	}
	return nil
}
