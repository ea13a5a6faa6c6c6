package engagement_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rostrum/shared/engagement"
)

func TestPartsOfAThreadAddUpAndAMissingNumberIsNotZero(t *testing.T) {
	t.Parallel()
	first := engagement.Numbers{Impressions: new(int64(100)), Likes: new(int64(3))}
	second := engagement.Numbers{Impressions: new(int64(40)), Replies: new(int64(2))}
	want := engagement.Numbers{Impressions: new(int64(140)), Likes: new(int64(3)), Replies: new(int64(2))}
	if diff := cmp.Diff(want, first.Add(second)); diff != "" {
		t.Fatal(diff)
	}
}
