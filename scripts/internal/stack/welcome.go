package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rostrum/scripts/internal/driver"
)

// Welcome gives the demo's accounts their sources, through the API as a person
// would, and asks for the first drafts of each: wanted, 0 for none. It does so
// once for a folder; a start that was cut off is made good by the next.
func (s *Stack) Welcome(ctx context.Context, wanted int) error {
	marker := filepath.Join(s.DataDir, "welcomed")
	if _, err := os.Stat(marker); err == nil || s.NetworkURL == "" {
		return nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("look into the data folder: %w", err)
	}
	client := driver.New(s.URL)
	defer client.Close()
	if err := client.SignIn(ctx, DemoEmail, DemoPassword); err != nil {
		return err
	}
	var accounts struct {
		Items []driver.Account `json:"items"`
	}
	if err := client.Get(ctx, "/v1/accounts", &accounts); err != nil {
		return err
	}
	for _, a := range accounts.Items {
		if err := s.welcomeAccount(ctx, client, a, wanted); err != nil {
			return err
		}
	}
	if err := writeDurably(marker, nil); err != nil {
		return fmt.Errorf("the data folder %s cannot be written: %w", s.DataDir, err)
	}
	return nil
}

func (s *Stack) welcomeAccount(ctx context.Context, client *driver.Client, a driver.Account, wanted int) error {
	path := "/v1/accounts/" + a.ID + "/sources"
	var have struct {
		Items []struct {
			Title string `json:"title"`
		} `json:"items"`
	}
	if err := client.Get(ctx, path, &have); err != nil {
		return err
	}
	if len(have.Items) == 0 {
		for _, source := range s.demoSources(a.Handle) {
			if err := client.Post(ctx, path, source, nil); err != nil {
				return err
			}
		}
	}
	if wanted == 0 {
		return nil
	}
	return client.Post(ctx, "/v1/generate", map[string]any{"account_id": a.ID, "wanted": wanted}, nil)
}

func (s *Stack) demoSources(handle string) []map[string]string {
	notes := map[string]map[string]string{
		"tidewater_dev": {
			"kind": "note", "title": "Ebb 1.0, what we measured",
			"note": "Ebb 1.0 moved 2,400 jobs a second on one 2-core machine with one Postgres. " +
				"Killing the worker 200 times while it ran lost no job and ran none twice. " +
				"The queue is 3,100 lines of Go. The first newsroom to use it moved 41 nightly scripts into it in two weeks.",
		},
		"mara_builds": {
			"kind": "note", "title": "Field note: the on-call week we cut",
			"note": "We ended the weekly on-call rotation in March. In its place the person who ships a change watches it for one hour. " +
				"Pages fell from eleven a month to two. The cost: nobody ships after four in the afternoon any more.",
		},
		"tidewater.studio": {
			"kind": "note", "title": "Pictures of the week: the night desk",
			"note": "The night desk of the Harbour Courier runs on one small machine under a table. It has sent 1,900 front pages since March " +
				"and was switched off twice, both times by the cleaners. This week it got a sign, and a shelf.",
		},
	}
	feeds := map[string]string{
		"tidewater_dev": "/engineering/atom.xml", "mara_builds": "/founders/feed.xml", "tidewater.studio": "/founders/feed.xml",
	}
	var sources []map[string]string
	if feed, ok := feeds[handle]; ok {
		sources = append(sources, map[string]string{"kind": "feed", "url": s.newsURL + feed})
	}
	if note, ok := notes[handle]; ok {
		sources = append(sources, note)
	}
	return sources
}
