// Package platform is the seam to the social networks. A client (package x and
// its later siblings) speaks one network's wire protocol and answers in the
// words below; the workflows know only these words.
//
// The one rule that matters: a client makes at most one call that the audience
// can see per Publish, never retries it, and says honestly which Class of thing
// happened. Whatever it cannot prove is Unclear.
package platform

import (
	"context"
	"time"

	"rostrum/shared/account"
	"rostrum/shared/config"
	"rostrum/shared/throttle"
)

// Class says what one attempt to publish came to.
type Class string

// The classes. See Outcome for what each obliges the caller to do.
const (
	// Accepted: the network answered with the id of the new post.
	Accepted Class = "accepted"
	// Refused: the network said no, for good; the audience saw nothing.
	Refused Class = "refused"
	// Delayed: the network said not now (rate limit); the audience saw nothing.
	Delayed Class = "delayed"
	// Unauthorized: the token was not taken; the audience saw nothing.
	Unauthorized Class = "unauthorized"
	// OutOfCredit: the developer app has no credit left; the audience saw nothing.
	OutOfCredit Class = "out_of_credit"
	// Duplicate: the network says that this text is already there. Evidence
	// that an earlier attempt landed, or that the user posted a twin by hand.
	Duplicate Class = "duplicate"
	// MediaGone: the network does not know an image that was uploaded; the
	// audience saw nothing, and another upload is needed.
	MediaGone Class = "media_gone"
	// NotSent: not one byte of the request was written; a repeat is safe.
	NotSent Class = "not_sent"
	// Unclear: the network may or may not have published it.
	Unclear Class = "unclear"
)

// Outcome is what one attempt to publish came to.
type Outcome struct {
	Class Class
	// RemoteID and RemoteURL are set when Class is Accepted.
	RemoteID  string
	RemoteURL string
	// Code is short and stable (for example "http_503", "timeout", "duplicate_content").
	Code string
	// Detail is one sentence for the user, with no secret in it.
	Detail string
	// RetryAfter is set with Delayed: how long the network asked to wait,
	// already bounded by the client to between 1 s and 24 h.
	RetryAfter time.Duration
	// RequestID is the network's own id of the request, for support.
	RequestID string
}

// Target is one connected account as a client needs it.
type Target struct {
	Network     account.Network
	RemoteID    string // the network's id of the account
	Handle      string // without @
	AccessToken config.Secret
	// Heard, when it is set, is told what the network's answers say of its
	// quotas, refusals included, before the call returns and in its goroutine.
	Heard func([]throttle.Quota)
}

// PublishRequest is one part to publish: a post, or one part of a thread.
type PublishRequest struct {
	Target Target
	Text   string
	// ReplyTo is the remote id of the part before; empty for the first part.
	ReplyTo string
	// MediaIDs are the network's ids of the part's images, in their order.
	MediaIDs []string
	// StagedID is what Stage gave for the part; empty where the network is no Stager.
	StagedID string
}

// StageRequest is one part to make ready on a network that publishes in two
// steps: first it takes the whole part, where nobody sees it, then it shows it.
type StageRequest struct {
	Target Target
	Text   string
	Images []StagedImage
}

// StagedImage is one image of a part to stage.
type StagedImage struct {
	// RemoteID is what UploadMedia gave; empty where it gave none.
	RemoteID string
	// URL is where the network fetches the file, for at least an hour.
	URL string
	Alt string
}

// Staged is a part that lies ready on a network.
type Staged struct {
	RemoteID string
	// Lives is how long the network keeps it.
	Lives time.Duration
}

// Phase is how far a staged part has come.
type Phase string

// The phases of a staged part.
const (
	// StagePending: the network still works on it.
	StagePending Phase = "pending"
	// StageReady: it can be published, and was not.
	StageReady Phase = "ready"
	// StagePublished: the audience has it, or will.
	StagePublished Phase = "published"
	// StageGone: the network keeps it no more; whether it was published is not said.
	StageGone Phase = "gone"
	// StageFailed: the network could not make it ready; it was not published.
	StageFailed Phase = "failed"
)

// StageState is what a network says of a staged part.
type StageState struct {
	Phase Phase
	// Code and Detail say why, with StageFailed: short and stable, and one
	// sentence for the user.
	Code, Detail string
	// Final is set with StageFailed when another try with the same content
	// would fail as well.
	Final bool
}

// MediaUpload is one image to put on a network, where nobody sees it until a
// post names it.
type MediaUpload struct {
	Target Target
	// Type is the media type, such as image/jpeg.
	Type string
	Data []byte
	// URL is where the same file can be fetched, for at least an hour: some
	// networks fetch it instead of taking it.
	URL string
	// Of is how many images the part has.
	Of int
	// Alt says what it shows; may be empty.
	Alt string
}

// UploadedMedia is an image on a network.
type UploadedMedia struct {
	// RemoteID is empty where the network takes the image with its part only.
	RemoteID string
	// Lives is how long the network keeps it for a post to name.
	Lives time.Duration
}

// RemotePost is a post as the network shows it on reading back.
type RemotePost struct {
	ID string
	// Text is what the author wrote: links expanded, entities unescaped, NFC.
	Text      string
	ReplyTo   string
	CreatedAt time.Time
	URL       string
}

// Metrics is one reading of a post. A nil field was not given by the network.
type Metrics struct {
	Impressions, Likes, Replies, Reposts, Quotes, Bookmarks *int64
	LinkClicks, ProfileClicks                               *int64
}

// Profile is who an access token belongs to.
type Profile struct {
	RemoteID, Handle, Name string
}

// Tokens is what an OAuth2 token endpoint gave.
type Tokens struct {
	Access, Refresh config.Secret
	ExpiresAt       time.Time
	Scopes          []string
}

// Publisher sends and reads back posts of one network.
//
// Publish never returns a Go error: every end of the call is an Outcome, and
// what is not proved is Unclear. The deadline of ctx bounds the call.
type Publisher interface {
	Publish(ctx context.Context, req PublishRequest) Outcome
	// UploadMedia puts an image on the network. The audience sees nothing of it,
	// so it may be repeated; what is not used is forgotten there. Errors: as
	// RecentPosts, Forbidden when the account has not granted it, and Invalid
	// when the network does not take the image.
	UploadMedia(ctx context.Context, req MediaUpload) (UploadedMedia, error)
	// RecentPosts returns the account's own posts, newest first, at most 100,
	// that are newer than sinceID (empty: no lower bound) and replies
	// included. Errors: Unauthenticated (token), RateLimited (RetryAfter set),
	// Forbidden (no right to read), Unavailable (anything else).
	RecentPosts(ctx context.Context, target Target, sinceID string) ([]RemotePost, error)
	// ReadMetrics returns readings by remote id for at most 100 ids; an id
	// the network does not know is absent from the map. Errors as RecentPosts.
	ReadMetrics(ctx context.Context, target Target, ids []string) (map[string]Metrics, error)
	// Delete removes a post. A post that is already gone is no error.
	Delete(ctx context.Context, target Target, remoteID string) error
}

// Stager is a Publisher whose network publishes in two steps: a part is staged,
// where nobody sees it, until it is ready, and Publish shows what was staged.
type Stager interface {
	Publisher
	// Stage gives the network a whole part. The audience sees nothing of it, so it
	// may be repeated. Errors as UploadMedia, RateLimited (media_processing) while
	// one of its images is not ready, NotFound (media_gone) when one of them has to
	// be uploaded again, and Unavailable (media_unreachable) when the network could
	// not fetch a file.
	Stage(ctx context.Context, req StageRequest) (Staged, error)
	// StageState reads how far a staged part has come. Errors as RecentPosts.
	StageState(ctx context.Context, target Target, stagedID string) (StageState, error)
}

// Connector runs a network's OAuth2 authorization-code flow with PKCE (S256).
//
// Refresh errors: Unauthenticated when the network says that the refresh token
// is dead (invalid_grant, X also invalid_request), Uncertain when the answer
// was lost after the request was written (the token may have been rotated),
// Unavailable when nothing was written or the network answered 5xx or 429.
type Connector interface {
	AuthorizeURL(state, codeChallenge, redirectURI string) string
	Exchange(ctx context.Context, code, codeVerifier, redirectURI string) (Tokens, error)
	Refresh(ctx context.Context, refresh config.Secret) (Tokens, error)
	WhoAmI(ctx context.Context, access config.Secret) (Profile, error)
}
