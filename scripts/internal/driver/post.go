package driver

import "time"

// Account is what the driver reads of an account.
type Account struct {
	ID            string `json:"id"`
	Network       string `json:"network"`
	Handle        string `json:"handle"`
	TimeZone      string `json:"time_zone"`
	ETag          string `json:"etag"`
	MinGapMinutes int    `json:"min_gap_minutes"`
}

// Generation is one run of the agents.
type Generation struct {
	ID       string   `json:"id"`
	State    string   `json:"state"`
	Progress string   `json:"progress"`
	PostIDs  []string `json:"post_ids"`
}

// Finding is one remark of the review.
type Finding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Quote    string `json:"quote"`
}

// Post is what the driver reads of a post.
type Post struct {
	ID          string     `json:"id"`
	State       string     `json:"state"`
	Revision    int64      `json:"revision"`
	ETag        string     `json:"etag"`
	ContentHash string     `json:"content_hash"`
	DueAt       *time.Time `json:"due_at"`
	PublishedAt *time.Time `json:"published_at"`
	LatenessMS  *int64     `json:"lateness_ms"`
	RemoteURL   string     `json:"remote_url"`
	WhyNotOut   string     `json:"why_not_out"`
	Account     Account    `json:"account"`
	// CorrelationID is in every log line about the post, from draft to metrics.
	CorrelationID string `json:"correlation_id"`
	Parts         []struct {
		Text   string `json:"text"`
		Length int    `json:"length"`
		Limit  int    `json:"limit"`
	} `json:"parts"`
	Idea *struct {
		Title       string `json:"title"`
		Quote       string `json:"quote"`
		SourceTitle string `json:"source_title"`
		SourceURL   string `json:"source_url"`
	} `json:"idea"`
	Review *struct {
		Verdict  string    `json:"verdict"`
		Summary  string    `json:"summary"`
		Findings []Finding `json:"findings"`
	} `json:"review"`
	Approval *struct {
		ContentHash string `json:"content_hash"`
		By          string `json:"by"`
		Kind        string `json:"kind"`
	} `json:"approval"`
	Failure *struct {
		Code     string `json:"code"`
		Sentence string `json:"sentence"`
	} `json:"failure"`
}

// Reading is the numbers of a post at one age.
type Reading struct {
	AgeSeconds  int64      `json:"age_seconds"`
	TakenAt     *time.Time `json:"taken_at"`
	Problem     string     `json:"problem"`
	Impressions *int64     `json:"impressions"`
	Likes       *int64     `json:"likes"`
}
