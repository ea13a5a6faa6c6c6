package sqs

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func (b *bundle) sendAs(url, group string, n int) {
	b.t.Helper()
	for i := range n {
		in := map[string]any{"QueueUrl": url, "MessageBody": "m" + strconv.Itoa(i)}
		if group != "" {
			in["MessageGroupId"] = group
		}
		b.call("SendMessage", in, nil)
	}
}

// groups receives n messages and returns their tenants in order.
func (b *bundle) groups(url string, n int) []string {
	b.t.Helper()
	var out []string
	for range n {
		for _, m := range b.receive(url, 1, 0) {
			out = append(out, m.Attributes["MessageGroupId"])
		}
	}
	return out
}

func (b *bundle) take(url string, n int) []receivedMessage {
	b.t.Helper()
	var out []receivedMessage
	for len(out) < n {
		got := b.receive(url, min(10, n-len(out)), 0)
		require.NotEmpty(b.t, got)
		out = append(out, got...)
	}
	return out
}

func (b *bundle) drop(url string, m receivedMessage) {
	b.t.Helper()
	b.call("DeleteMessage", map[string]any{"QueueUrl": url, "ReceiptHandle": m.ReceiptHandle}, nil)
}

func TestATenantWithThirtyInFlightLetsOthersPass(t *testing.T) {
	t.Parallel()
	b := setup(t)
	url := b.queue("q", nil)
	b.sendAs(url, "flood", 60)
	b.sendAs(url, "quiet", 2)
	b.sendAs(url, "", 1)
	b.take(url, 29)
	require.Equal(t, []string{"flood"}, b.groups(url, 1), "29 in flight are not noisy")
	require.Equal(t, []string{"quiet", "quiet", "", "flood"}, b.groups(url, 4))
}

func TestThirtyInFlightOfManyAreNotNoisy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	url := b.queue("q", nil)
	for i := range 300 {
		b.sendAs(url, "tenant"+strconv.Itoa(i), 1)
	}
	b.take(url, 300)
	b.sendAs(url, "big", 31)
	b.sendAs(url, "quiet", 1)
	b.take(url, 30)
	require.Equal(t, []string{"big", "quiet"}, b.groups(url, 2), "30 of 330 are less than a tenth")
}

func TestAmongNoisyTenantsTheOneWithTheFewestInFlightGoes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	url := b.queue("q", nil)
	b.sendAs(url, "first", 40)
	b.take(url, 30)
	b.sendAs(url, "second", 40)
	// The second passes the first until it has as many in flight.
	for _, group := range b.groups(url, 30) {
		require.Equal(t, "second", group)
	}
	require.Equal(t, []string{"first", "second", "first", "second"}, b.groups(url, 4))
}

func TestANoisyTenantStaysSoUntilItsBacklogIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	url := b.queue("q", nil)
	b.sendAs(url, "flood", 32)
	taken := b.take(url, 30)
	b.sendAs(url, "quiet", 1)
	require.Equal(t, []string{"quiet"}, b.groups(url, 1))
	for _, m := range taken {
		b.drop(url, m)
	}
	b.sendAs(url, "quiet", 1)
	require.Equal(t, []string{"quiet", "flood", "flood"}, b.groups(url, 3))
	b.sendAs(url, "flood", 1)
	b.sendAs(url, "quiet", 1)
	require.Equal(t, []string{"flood", "quiet"}, b.groups(url, 2))
}

func TestANoisyTenantIsForgivenAfterFiveSilentMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		url := b.queue("q", map[string]string{"VisibilityTimeout": "600"})
		b.sendAs(url, "flood", 34)
		taken := b.take(url, 30)
		b.sendAs(url, "quiet", 1)
		require.Equal(t, []string{"quiet"}, b.groups(url, 1))
		for _, m := range taken {
			b.drop(url, m)
		}
		b.sendAs(url, "quiet", 2)
		time.Sleep(5*time.Minute - time.Second)
		require.Equal(t, []string{"quiet"}, b.groups(url, 1))
		time.Sleep(time.Second)
		require.Equal(t, []string{"flood"}, b.groups(url, 1))
	})
}

func TestMessagesWithoutATenantAreNeverNoisy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	url := b.queue("q", nil)
	b.sendAs(url, "", 50)
	b.sendAs(url, "quiet", 1)
	b.take(url, 40)
	require.Equal(t, []string{"", "", "", "", "", "", "", "", "", "", "quiet"}, b.groups(url, 11))
}

func TestWhatIsGivenBackKeepsItsTurn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	url := b.queue("q", nil)
	b.sendAs(url, "a", 2)
	b.sendAs(url, "b", 1)
	got := b.take(url, 2)
	b.server.mu.Lock()
	q := b.server.queues["q"]
	b.server.mu.Unlock()
	b.server.giveBack(q, []string{got[0].ReceiptHandle, got[1].ReceiptHandle})
	require.Equal(t, []string{"a", "a", "b"}, b.groups(url, 3))
}

func TestTenantsAreForgottenWithTheirMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	url := b.queue("q", nil)
	for i := range 20 {
		b.sendAs(url, "tenant"+strconv.Itoa(i), 2)
	}
	b.call("SendMessage", map[string]any{"QueueUrl": url, "MessageBody": "m", "MessageGroupId": "later", "DelaySeconds": 60}, nil)
	for _, m := range b.take(url, 25) {
		b.drop(url, m)
	}
	b.call("PurgeQueue", map[string]any{"QueueUrl": url}, nil)
	b.server.mu.Lock()
	defer b.server.mu.Unlock()
	require.Empty(t, b.server.queues["q"].ready.tenants)
	require.Empty(t, b.server.queues["q"].ready.waiting)
	require.Zero(t, b.server.queues["q"].ready.count)
}
