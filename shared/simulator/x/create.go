package x

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"rostrum/shared/simulator/fault"
	"rostrum/shared/simulator/ledger"
)

const (
	createEndpoint = "POST /2/tweets"
	// maxBody is far above any post and keeps a broken client from filling memory.
	maxBody = 1 << 20
	// X's duplicate check looks at what the account posted lately; how far is
	// unverified.
	duplicateWindow = 24 * time.Hour
	duplicateDepth  = 200
)

// createBody is the closed schema of POST /2/tweets (OpenAPI 2.167). What this
// network does not play is known to it all the same, and refused as a feature
// that the account lacks.
type createBody struct {
	Text                  *string         `json:"text"`
	Reply                 *replyBody      `json:"reply"`
	ReplySettings         string          `json:"reply_settings"`
	MadeWithAI            *bool           `json:"made_with_ai"`
	PaidPartnership       *bool           `json:"paid_partnership"`
	Nullcast              *bool           `json:"nullcast"`
	Media                 *mediaBody      `json:"media"`
	Poll                  json.RawMessage `json:"poll"`
	QuoteTweetID          json.RawMessage `json:"quote_tweet_id"`
	CommunityID           json.RawMessage `json:"community_id"`
	ShareWithFollowers    json.RawMessage `json:"share_with_followers"`
	ForSuperFollowersOnly json.RawMessage `json:"for_super_followers_only"`
	Geo                   json.RawMessage `json:"geo"`
	DirectMessageDeepLink json.RawMessage `json:"direct_message_deep_link"`
	CardURI               json.RawMessage `json:"card_uri"`
	EditOptions           json.RawMessage `json:"edit_options"`
}

type replyBody struct {
	InReplyToTweetID          string   `json:"in_reply_to_tweet_id"`
	ExcludeReplyUserIDs       []string `json:"exclude_reply_user_ids"`
	AutoPopulateReplyMetadata *bool    `json:"auto_populate_reply_metadata"`
}

// unplayed names a feature in the body that this network does not have.
func (b createBody) unplayed() string {
	for _, f := range []struct {
		name  string
		value json.RawMessage
	}{
		{"poll", b.Poll},
		{"quote_tweet_id", b.QuoteTweetID},
		{"community_id", b.CommunityID},
		{"share_with_followers", b.ShareWithFollowers},
		{"for_super_followers_only", b.ForSuperFollowersOnly},
		{"geo", b.Geo},
		{"direct_message_deep_link", b.DirectMessageDeepLink},
		{"card_uri", b.CardURI},
		{"edit_options", b.EditOptions},
	} {
		if len(f.value) > 0 && string(f.value) != "null" {
			return f.name
		}
	}
	return ""
}

// create is POST /2/tweets.
func (s *Server) create(w http.ResponseWriter, r *http.Request, user Account) {
	body, bad := decodeCreate(r)
	if bad != nil {
		s.refuse(w, *bad)
		return
	}
	if feature := body.unplayed(); feature != "" {
		s.refuse(w, forbidden("Your account is not permitted to access this feature. ["+feature+"]"))
		return
	}
	text := ""
	if body.Text != nil {
		text = strings.TrimSpace(*body.Text)
	}
	if bad := checkText(text, user); bad != nil {
		s.refuse(w, *bad)
		return
	}
	parent := ""
	if body.Reply != nil {
		parent = body.Reply.InReplyToTweetID
	}
	entry, bad := s.accept(user, draft{text: text, parent: parent, media: body.Media}, fault.ClientSees(r.Context()))
	if bad != nil {
		s.refuse(w, *bad)
		return
	}
	data := map[string]any{"id": entry.ID, "text": entry.StoredText}
	data[s.names().history] = []string{entry.ID}
	writeJSON(w, http.StatusCreated, map[string]any{"data": data})
}

// decodeCreate reads the body against the schema.
func decodeCreate(r *http.Request) (createBody, *problem) {
	var body createBody
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(data) > maxBody {
		p := invalid("body", "", "The request body could not be read.")
		return body, &p
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		p := invalid("body", "", schemaMessage(err))
		return body, &p
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		p := invalid("body", "", "The request body holds more than one JSON value.")
		return body, &p
	}
	switch {
	case body.Media == nil && (body.Text == nil || strings.TrimSpace(*body.Text) == ""):
		p := invalid("text", "", "text or media has to be given.")
		return body, &p
	case body.Reply != nil && !validID(body.Reply.InReplyToTweetID):
		p := invalid("reply.in_reply_to_tweet_id", body.Reply.InReplyToTweetID,
			"$.reply.in_reply_to_tweet_id: does not match the regex pattern ^[0-9]{1,19}$")
		return body, &p
	case !slices.Contains([]string{"", "following", "mentionedUsers", "subscribers", "verified"}, body.ReplySettings):
		p := invalid("reply_settings", body.ReplySettings, "$.reply_settings: does not have a value in the enumeration")
		return body, &p
	}
	return body, nil
}

func schemaMessage(err error) string {
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return "$." + strings.Trim(name, `"`) + ": is not defined in the schema and the schema does not allow additional properties"
	}
	if typed, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return "$." + typed.Field + ": " + typed.Value + " found, " + typed.Type.String() + " expected"
	}
	return "The request body is not valid JSON."
}

func validID(id string) bool {
	if id == "" || len(id) > 19 {
		return false
	}
	_, err := strconv.ParseUint(id, 10, 64)
	return err == nil
}

// checkText applies X's rules on the text alone. The status and the words of
// the refusals are unverified: PLATFORMS names both 400 and 403.
func checkText(text string, user Account) *problem {
	limit := maxWeighted
	if user.LongPosts {
		limit = maxLong
	}
	if weightedLength(text) > limit {
		p := forbidden("Your Tweet text is too long.")
		return &p
	}
	if len(cashtag.FindAllString(text, 2)) > 1 {
		p := forbidden("Posts may not contain more than one cashtag.")
		return &p
	}
	return nil
}

// draft is what a client wants to post.
type draft struct {
	text, parent string
	media        *mediaBody
}

// mediaLink is the t.co address that stands for a post's images.
func mediaLink(id string) string { return "https://t.co/" + shortCode(id, -1) }

// accept is the moment of truth: the rules that look at other posts, the id, the
// journal and the ledger, under one lock, so that two equal posts at once are
// one post and one refusal.
func (s *Server) accept(user Account, d draft, clientSees string) (ledger.Entry, *problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now().UTC()
	conversation, bad := s.conversation(user, d.parent)
	if bad != nil {
		return ledger.Entry{}, bad
	}
	shown, bad := s.attach(user, d.media)
	if bad != nil {
		return ledger.Entry{}, bad
	}
	// Whether X compares images too is unverified; one that does not refuse is
	// the harder one to be right on.
	if s.settings.RefuseDuplicates && len(shown) == 0 && s.hasTwin(user, d.text, now) {
		p := forbidden(duplicateDetail)
		return ledger.Entry{}, &p
	}
	id := s.nextID(now)
	stored, links := storedForm(id, d.text)
	entry := ledger.Entry{
		ID: id, AccountID: user.ID, Handle: user.Handle, Text: d.text, StoredText: stored, Links: links, Media: shown,
		ReplyTo: d.parent, ConversationID: conversation, AcceptedAt: now, ClientSaw: clientSees,
	}
	if len(shown) > 0 {
		// X appends one link for all of a post's images.
		entry.StoredText = strings.TrimSpace(stored + " " + mediaLink(id))
	}
	if conversation == "" {
		entry.ConversationID = id
	}
	if err := s.commit(record{Kind: recordPost, Post: &entry}); err != nil {
		p := unavailable()
		return ledger.Entry{}, &p
	}
	return entry, nil
}

// conversation applies the reply rules and returns the thread that a reply
// joins, empty for a post that starts one.
func (s *Server) conversation(user Account, parent string) (string, *problem) {
	if parent == "" {
		return "", nil
	}
	target, ok := s.book.Get(parent)
	if !ok || target.Deleted() {
		// Status and words from memory, unverified.
		p := forbidden("You attempted to reply to a Tweet that is deleted or not visible to you.")
		return "", &p
	}
	self := target.AccountID == user.ID
	summoned := strings.Contains(strings.ToLower(target.Text), "@"+strings.ToLower(user.Handle))
	if (self && s.settings.RefuseSelfReplies) || (!self && !summoned) {
		// Self-serve apps may reply only where they were summoned (changelog,
		// 2026-02-23); the words are unverified.
		p := forbidden("Reply to this conversation is not allowed because you have not been mentioned or " +
			"otherwise engaged by the author of the post you are replying to.")
		return "", &p
	}
	return target.ConversationID, nil
}

// hasTwin reports whether the account has the same text standing among its
// recent posts.
func (s *Server) hasTwin(user Account, text string, now time.Time) bool {
	since := now.Add(-duplicateWindow)
	looked := 0
	beyond := func(e ledger.Entry) bool {
		looked++
		return looked > duplicateDepth || e.AcceptedAt.Before(since)
	}
	twin := func(e ledger.Entry) bool { return !e.Deleted() && e.Text == text }
	return len(s.book.Latest(user.ID, 1, twin, beyond)) > 0
}

// storedForm is the text as X keeps and answers it: links shortened by t.co,
// and &, < and > written as HTML does.
func storedForm(id, text string) (string, []ledger.Link) {
	var links []ledger.Link
	var out strings.Builder
	from := 0
	for i, found := range findLinks(text) {
		out.WriteString(escape(text[from:found.start]))
		short := "https://t.co/" + shortCode(id, i)
		expanded := found.address
		if !strings.Contains(expanded, "://") {
			expanded = "http://" + expanded
		}
		links = append(links, ledger.Link{Short: short, Expanded: expanded, Display: displayForm(expanded)})
		out.WriteString(short)
		from = found.end
	}
	out.WriteString(escape(text[from:]))
	return out.String(), links
}

func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// shortCode is the ten letters of a t.co address.
func shortCode(id string, n int) string {
	const letters = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
	v := ledger.Spread("t.co", id, strconv.Itoa(n))
	code := make([]byte, 10)
	for i := range code {
		code[i] = letters[v%uint64(len(letters))]
		v /= uint64(len(letters))
	}
	return string(code)
}

// displayForm is an address without scheme and cut as timelines cut it.
func displayForm(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	rest = strings.TrimPrefix(rest, "www.")
	if runes := []rune(rest); len(runes) > 27 {
		return string(runes[:26]) + "…"
	}
	return rest
}

// delete is DELETE /2/tweets/{id}.
func (s *Server) delete(w http.ResponseWriter, r *http.Request, user Account) {
	id := r.PathValue("id")
	if !validID(id) {
		s.refuse(w, invalid("id", id, "The `id` path parameter value ["+id+"] is not valid"))
		return
	}
	s.mu.Lock()
	entry, ok := s.book.Get(id)
	switch {
	case ok && entry.AccountID != user.ID:
		s.mu.Unlock()
		s.refuse(w, forbidden("You are not authorized to delete this Tweet."))
		return
	case ok && !entry.Deleted():
		if err := s.commit(record{Kind: recordDelete, ID: id, At: s.cfg.Now().UTC()}); err != nil {
			s.mu.Unlock()
			s.refuse(w, unavailable())
			return
		}
	}
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{"data": map[string]bool{"deleted": true}})
}
