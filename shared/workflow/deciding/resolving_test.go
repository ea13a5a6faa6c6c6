package deciding_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"rostrum/shared/apperr"
	"rostrum/shared/post"
	"rostrum/shared/queue"
	"rostrum/shared/store"
	"rostrum/shared/store/storetest"
	"rostrum/shared/workflow/deciding"
)

// sending approves a post for now and writes the sender's intent for its first part.
func (b *bundle) sending(t *testing.T, text string) (post.Post, uuid.UUID) {
	t.Helper()
	ap := seen(b.awaiting(t, text))
	ap.When = deciding.Now
	made, err := b.service.Approve(t.Context(), b.actor, ap)
	require.NoError(t, err)
	attempt := uuid.New()
	require.Eventually(t, func() bool {
		var got store.Judgement
		require.NoError(t, b.worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			var err error
			got, err = storetest.Begin(ctx, tx, store.Intent{
				WorkspaceID: made.WorkspaceID, PostID: made.ID, AccountID: made.AccountID, Revision: made.Revision, Hash: made.Version.Hash, Part: 0, AttemptID: attempt,
				Fingerprint: post.Fingerprint(b.account.ID, post.Part{Text: text}, ""), Lease: time.Minute, Grace: 2 * time.Minute,
			})
			return err
		}))
		return got.Verdict == store.Go
	}, 5*time.Second, 50*time.Millisecond)
	return made.Post, attempt
}

func (b *bundle) unknown(t *testing.T, text string) (post.Post, uuid.UUID) {
	t.Helper()
	p, attempt := b.sending(t, text)
	require.NoError(t, b.worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := tx.SettleAttempt(ctx, p.WorkspaceID, store.Settlement{AttemptID: attempt, To: post.AttemptUnknown, Code: "timeout"}); err != nil {
			return err
		}
		_, err := tx.PostBecomesUnknown(ctx, store.Ref(p), time.Minute, "timeout", "The answer was lost.")
		return err
	}))
	return p, attempt
}

func (b *bundle) attempt(t *testing.T, p post.Post) post.Attempt {
	t.Helper()
	var out []post.Attempt
	require.NoError(t, b.worker.Across(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		var err error
		out, err = tx.Attempts(ctx, p.WorkspaceID, p.ID)
		return err
	}))
	require.Len(t, out, 1)
	return out[0]
}

func TestWhatIsBeingSentIsNobodysToChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, _ := b.sending(t, "on its way")
	target := deciding.Target{PostID: p.ID}
	_, err := b.service.Edit(t.Context(), b.actor, target, post.Text("too late"), "")
	requireCode(t, err, apperr.Conflict, "wrong_state")
	require.Equal(t, "this post cannot be edited: it is being sent at this moment", apperr.As(err).Message)
	_, err = b.service.Cancel(t.Context(), b.actor, target, "")
	requireCode(t, err, apperr.Conflict, "wrong_state")
	_, err = b.service.PublishNow(t.Context(), b.actor, target)
	requireCode(t, err, apperr.Conflict, "wrong_state")
	_, err = b.service.Resolve(t.Context(), b.actor, target, deciding.Resolution{})
	requireCode(t, err, apperr.Conflict, "wrong_state")
}

func TestResolveFoundPublishesUnderTheAddressThatWasGiven(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, _ := b.unknown(t, "found it")
	got, err := b.service.Resolve(t.Context(), b.actor, deciding.Target{PostID: p.ID},
		deciding.Resolution{Found: true, RemoteURL: "https://x.com/harbour/status/1234567890"})
	require.NoError(t, err)
	require.Equal(t, post.Published, got.State)
	require.Equal(t, "https://x.com/harbour/status/1234567890", got.RemoteURL)
	a := b.attempt(t, p)
	require.Equal(t, post.AttemptAccepted, a.State)
	require.Equal(t, "1234567890", a.RemoteID)
	require.Equal(t, "person", a.SettledBy)
	require.Len(t, b.sent.messages(t, queue.Metrics), 1, "the reading after a minute; the hourly one is the schedule's")
}

func TestResolveAbsentAndResendGoesOutAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, _ := b.unknown(t, "send it again")
	got, err := b.service.Resolve(t.Context(), b.actor, deciding.Target{PostID: p.ID}, deciding.Resolution{Resend: true})
	require.NoError(t, err)
	require.Equal(t, post.Scheduled, got.State)
	require.Equal(t, post.AttemptAbsent, b.attempt(t, p).State)
	messages := b.sent.messages(t, queue.Publish)
	require.Len(t, messages, 2)
	require.Equal(t, got.Revision, messages[1].Revision)
}

func TestResolveAbsentFailsUntilAPersonRetries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, _ := b.unknown(t, "let it be")
	got, err := b.service.Resolve(t.Context(), b.actor, deciding.Target{PostID: p.ID}, deciding.Resolution{})
	require.NoError(t, err)
	require.Equal(t, post.Failed, got.State)
	require.Equal(t, "Ada looked and says that it is not on the network.", got.FailureDetail)

	_, err = b.service.Resolve(t.Context(), b.actor, deciding.Target{PostID: p.ID}, deciding.Resolution{})
	requireCode(t, err, apperr.Conflict, "wrong_state")
	made, err := b.service.Retry(t.Context(), b.actor, deciding.Target{PostID: p.ID})
	require.NoError(t, err)
	require.Equal(t, post.Scheduled, made.State)
}

func TestResolveRefusesAPostOfAnotherAccount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, _ := b.unknown(t, "whose")
	say := func(address string) error {
		_, err := b.service.Resolve(t.Context(), b.actor, deciding.Target{PostID: p.ID}, deciding.Resolution{Found: true, RemoteURL: address})
		return err
	}
	requireCode(t, say("https://x.com/somebody_else/status/12"), apperr.Invalid, "not_this_account")
	require.NoError(t, say("https://x.com/i/status/12"), "an address without a name is any account's")
}

func TestResolveRefusesWhatIsNoAddressOfAPost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, _ := b.unknown(t, "where")
	for _, address := range []string{
		"", "1234", "https://x.com/harbour", "https://x.com/harbour/status/", "https://x.com/h/status/12a4",
		"javascript:alert(1)//status/12", "https://evil.example/harbour/status/12", "https://x.com/h/status/123456789012345678901",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			_, err := b.service.Resolve(t.Context(), b.actor, deciding.Target{PostID: p.ID}, deciding.Resolution{Found: true, RemoteURL: address})
			requireCode(t, err, apperr.Invalid, "bad_remote_url")
		})
	}
}

func TestWhatContradictsItselfDecidesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, r := range []deciding.Resolution{
		{Found: true, RemoteURL: "https://x.com/acme/status/123", Resend: true},
		{RemoteURL: "https://x.com/acme/status/123", Resend: true},
	} {
		_, err := b.service.Resolve(t.Context(), b.actor, deciding.Target{}, r)
		require.Equal(t, "contradiction", apperr.As(err).Code)
	}
}
