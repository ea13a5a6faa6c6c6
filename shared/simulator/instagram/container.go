package instagram

import (
	"bytes"
	"context"
	"errors"
	"image"
	_ "image/jpeg" // Its header is read.
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"rostrum/shared/simulator/ledger"
)

const (
	// The limits of image containers (ig-user/media page, read 2026-11).
	maxImage    = 8 << 20
	maxCaption  = 2200
	maxHashtags = 30
	maxMentions = 20
	minChildren = 2
	maxChildren = 10
	maxAltText  = 1000
	// containerLife is how long a container waits to be published.
	containerLife = 24 * time.Hour
)

// The states of a container (ig-container page, read 2026-11).
const (
	inProgress  = "IN_PROGRESS"
	finished    = "FINISHED"
	published   = "PUBLISHED"
	expired     = "EXPIRED"
	failedState = "ERROR"
)

// container is a part that waits to be published, as the journal keeps it.
type container struct {
	ID        string         `json:"id"`
	AccountID string         `json:"account_id"`
	Caption   string         `json:"caption,omitempty"`
	Media     []ledger.Media `json:"media"`
	// Item is set for one image of a carousel, which cannot be published itself.
	Item     bool      `json:"item,omitempty"`
	Children []string  `json:"children,omitempty"`
	MadeAt   time.Time `json:"made_at"`
	ReadyAt  time.Time `json:"ready_at"`
	Expires  time.Time `json:"expires"`
	Fate     Fate      `json:"fate,omitzero"`
	// PostID is what it was published as.
	PostID string `json:"post_id,omitempty"`
}

// state is what the container is at an instant.
func (c container) state(now time.Time) string {
	switch {
	case c.PostID != "":
		return published
	case !now.Before(c.Expires):
		return expired
	case c.Fate.Kind == FateStuck || now.Before(c.ReadyAt):
		return inProgress
	case c.Fate.Kind == FateError:
		return failedState
	default:
		return finished
	}
}

// status is the sentence beside the state. Its words for an error follow what
// clients quote; unverified.
func (c container) status(state string) string {
	switch state {
	case failedState:
		return "Error: Media upload has failed with error code " + strconv.Itoa(c.Fate.Code)
	case finished:
		return "Finished: Media has been uploaded and it is ready to be published."
	case published:
		return "Published: Media has been published."
	case expired:
		return "Expired: The container was not published within 24 hours and has expired."
	default:
		return "In Progress: Media is still being processed."
	}
}

// Fate is what becomes of containers that are still to be made.
type Fate struct {
	// Kind is FateStuck, FateError or FateExpired.
	Kind string `json:"kind"`
	// Code is the subcode of an error; 0 is 2207053, an unknown one.
	Code int `json:"code,omitempty"`
	// Handle limits it to one account; empty means any.
	Handle string `json:"handle,omitempty"`
	// Times is how many containers meet it; 0 means every one until cleared.
	Times int `json:"times,omitempty"`
}

// The fates of a container.
const (
	// FateStuck stays IN_PROGRESS until it expires.
	FateStuck = "stuck"
	// FateError becomes ERROR once it would be finished.
	FateError = "error"
	// FateExpired is EXPIRED from the start.
	FateExpired = "expired"
)

// errBadFate says that a fate cannot be played.
var errBadFate = errors.New("a fate is stuck, error or expired, and times is not negative")

// Doom lets containers that are still to be made meet a fate.
func (s *Server) Doom(f Fate) error {
	if f.Times < 0 || !slices.Contains([]string{FateStuck, FateError, FateExpired}, f.Kind) {
		return errBadFate
	}
	if f.Code == 0 {
		f.Code = 2207053
	}
	f.Handle = strings.TrimPrefix(f.Handle, "@")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fates = append(s.fates, f)
	return nil
}

// ClearFates lets new containers do well again. Those that were made stay as
// they are.
func (s *Server) ClearFates() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fates = nil
}

// meet takes the first fate that is meant for the account. The caller holds the
// lock.
func (s *Server) meet(user Account) Fate {
	for i, f := range s.fates {
		if f.Handle != "" && !strings.EqualFold(f.Handle, user.Handle) {
			continue
		}
		if f.Times == 1 {
			s.fates = slices.Delete(s.fates, i, i+1)
		} else if f.Times > 1 {
			s.fates[i].Times--
		}
		return Fate{Kind: f.Kind, Code: f.Code}
	}
	return Fate{}
}

// create is POST /{id}/media.
func (s *Server) create(w http.ResponseWriter, r *http.Request, user Account, in params) {
	if bad := owns(r, user); bad != nil {
		refuse(w, *bad)
		return
	}
	made := container{AccountID: user.ID, Caption: in["caption"], Item: in["is_carousel_item"] == "true"}
	var bad *problem
	if in["media_type"] == "CAROUSEL" {
		made.Children, bad = childIDs(in)
	} else {
		made.Media, bad = s.single(r.Context(), in, made.Item)
	}
	if bad == nil {
		bad = checkCaption(made.Caption)
	}
	if bad != nil {
		refuse(w, *bad)
		return
	}
	id, bad := s.keep(user, made)
	if bad != nil {
		refuse(w, *bad)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"id": id})
}

// owns refuses a call about an account that is not the token's.
func owns(r *http.Request, user Account) *problem {
	if id := r.PathValue("id"); id != user.ID && id != "me" {
		p := unknownObject(id)
		return &p
	}
	return nil
}

// single fetches the image of a container of one.
func (s *Server) single(ctx context.Context, in params, item bool) ([]ledger.Media, *problem) {
	alt, p := in["alt_text"], problem{}
	switch {
	case in["media_type"] != "" && in["media_type"] != "IMAGE":
		p = graph(100, 2207023, "The media type is unknown.")
	case in["image_url"] == "":
		p = parameter("The parameter image_url is required")
	case in["children"] != "":
		p = parameter("children is for media_type CAROUSEL")
	case item && in["caption"] != "":
		p = parameter("A carousel item takes no caption")
	case len([]rune(alt)) > maxAltText:
		p = parameter("alt_text has to be at most 1000 characters")
	default:
		data, bad := s.download(ctx, in["image_url"])
		if bad != nil {
			return nil, bad
		}
		digest, err := s.files.Put(data)
		if err != nil {
			p := serverError()
			return nil, &p
		}
		return []ledger.Media{{Type: "image/jpeg", Digest: digest, Alt: alt}}, nil
	}
	return nil, &p
}

// download fetches an image as Meta's servers do, and looks at it.
func (s *Server) download(ctx context.Context, address string) ([]byte, *problem) {
	unfetched := notFetched(address)
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, &unfetched
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, &unfetched
	}
	r.Header.Set("User-Agent", "facebookexternalhit/1.1")
	response, err := s.fetch.Do(r)
	if err != nil {
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			unfetched = fetchTimedOut()
		}
		return nil, &unfetched
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, &unfetched
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxImage+1))
	if err != nil {
		return nil, &unfetched
	}
	return data, checkImage(data)
}

// checkImage holds a file to what feed images may be.
func checkImage(data []byte) *problem {
	var p problem
	c, kind, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case len(data) > maxImage:
		p = tooLarge()
	case http.DetectContentType(data) != "image/jpeg" || err != nil || kind != "jpeg" || c.Height == 0:
		p = badFormat()
	case c.Width*5 < c.Height*4 || c.Width*100 > c.Height*191:
		p = badAspect()
	default:
		return nil
	}
	return &p
}

// checkCaption holds a caption to its limits. What counts as a character is
// unverified; the codes for hashtags and mentions are too.
func checkCaption(caption string) *problem {
	var p problem
	switch {
	case len(utf16.Encode([]rune(caption))) > maxCaption:
		p = longCaption()
	case len(regexp.MustCompile(`(?:^|[^\pL\pN_&])[#＃][\pL\pN_]`).FindAllString(caption, -1)) > maxHashtags:
		p = parameter("A caption takes at most 30 hashtags")
	case len(regexp.MustCompile(`(?:^|[^\pL\pN_.])@[\pL\pN_]`).FindAllString(caption, -1)) > maxMentions:
		p = parameter("A caption takes at most 20 mentions")
	default:
		return nil
	}
	return &p
}

// childIDs reads the children of a carousel.
func childIDs(in params) ([]string, *problem) {
	ids := slices.DeleteFunc(strings.Split(in["children"], ","), func(id string) bool { return id == "" })
	if n := len(ids); n < minChildren || n > maxChildren || in["image_url"] != "" || in["is_carousel_item"] == "true" {
		p := carouselInvalid()
		return nil, &p
	}
	return ids, nil
}

// keep gives a container its id and its fate and makes it durable.
func (s *Server) keep(user Account, made container) (string, *problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now().UTC()
	for _, id := range made.Children {
		child, ok := s.containers[id]
		switch {
		case !ok || child.AccountID != user.ID || !child.Item:
			p := carouselInvalid()
			return "", &p
		case child.state(now) == inProgress:
			p := notReady()
			return "", &p
		case child.state(now) != finished:
			p := carouselInvalid()
			return "", &p
		}
		made.Media = append(made.Media, child.Media...)
	}
	made.ID, made.MadeAt, made.Expires = s.nextID("container"), now, now.Add(containerLife)
	made.ReadyAt = now.Add(time.Duration(s.settings.ProcessingMS) * time.Millisecond)
	made.Fate = s.meet(user)
	if made.Fate.Kind == FateExpired {
		made.Expires = now
	}
	for i := range made.Media {
		if made.Media[i].ID == "" {
			made.Media[i].ID = made.ID
		}
	}
	if err := s.commit(record{Kind: recordContainer, Container: &made}); err != nil {
		p := serverError()
		return "", &p
	}
	return made.ID, nil
}

// ExpireContainers makes an account's containers that were not published run
// out now, as a day would. It returns ErrNoAccount.
func (s *Server) ExpireContainers(handle string) error {
	a, ok := s.accountByHandle(handle)
	if !ok {
		return ErrNoAccount
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now().UTC()
	var records []record
	for _, id := range s.order {
		if c := s.containers[id]; c.AccountID == a.ID && c.PostID == "" && c.Expires.After(now) {
			c.Expires = now
			records = append(records, record{Kind: recordContainer, Container: &c})
		}
	}
	return s.commit(records...)
}

// ContainerStatus is a container as /_sim/containers tells it.
type ContainerStatus struct {
	ID      string    `json:"id"`
	Handle  string    `json:"handle"`
	Caption string    `json:"caption"`
	Item    bool      `json:"item"`
	State   string    `json:"state"`
	PostID  string    `json:"post_id,omitempty"`
	MadeAt  time.Time `json:"made_at"`
}

// Containers returns every container that was made, oldest first.
func (s *Server) Containers() []ContainerStatus {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]ContainerStatus, 0, len(s.order))
	for _, id := range s.order {
		c := s.containers[id]
		out = append(out, ContainerStatus{
			ID: c.ID, Handle: s.byID[c.AccountID].Handle, Caption: c.Caption, Item: c.Item, State: c.state(s.cfg.Now()), PostID: c.PostID, MadeAt: c.MadeAt,
		})
	}
	return out
}
