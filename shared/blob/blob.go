// Package blob keeps files: in a folder on a laptop, in S3 in the cloud, both
// through gocloud.dev/blob. Browsers upload and download by signed addresses
// that live for minutes, because no answer of a Lambda is larger than 6 MB; in
// the cloud S3 answers those, beside a folder Handler does.
//
// A signed upload goes to a key of its own that nothing else reads: whoever
// holds the address can write there again until it runs out, so what was
// checked is written to another key.
//
// Start reading at Open.
package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/uuid"
	gocloud "gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"rostrum/shared/apperr"
)

// Settings say where files are kept.
type Settings struct {
	// URL is file:///a/folder or s3://bucket; empty keeps no files.
	URL string `env:"BLOB_URL"`
	// S3Endpoint is another S3 than Amazon's.
	S3Endpoint string `env:"AWS_ENDPOINT_URL_S3"`
}

// Bucket is one place for files. It is safe for concurrent use.
type Bucket struct {
	files *gocloud.Bucket
	// pins says that a signed upload holds the sender to type and length; a
	// folder's Handler holds it to the type and to maxUpload.
	pins   bool
	origin string
}

// Open returns the bucket that the settings name, or nil when they name none.
// base is where browsers reach a folder's Handler, such as
// https://rostrum.example/files/; it may be empty for who signs nothing.
// Errors: Invalid when a setting is wrong. Of S3 nothing is asked yet.
func Open(ctx context.Context, s Settings, base string) (*Bucket, error) {
	if s.URL == "" {
		return nil, nil //nolint:nilnil // no bucket is a setting like any other.
	}
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, badURL()
	}
	b := &Bucket{}
	switch {
	case strings.HasPrefix(s.URL, "file:///"):
		// As it is written: a folder's name is no web address.
		b.files, err = openFolder(strings.TrimPrefix(s.URL, "file://"), base)
	case u.Scheme == "s3" && u.Host != "" && strings.Trim(u.Path, "/") == "":
		b.pins = true
		b.files, err = openS3(ctx, u.Host, s.S3Endpoint)
	default:
		return nil, badURL()
	}
	if err != nil {
		return nil, err
	}
	if b.pins {
		signed, err := b.DownloadURL(ctx, "origin", time.Minute)
		if err != nil {
			return nil, err
		}
		at, err := url.Parse(signed)
		if err != nil {
			return nil, fmt.Errorf("read the bucket's address: %w", err)
		}
		b.origin = at.Scheme + "://" + at.Host
	}
	return b, nil
}

func badURL() error {
	return apperr.New(apperr.Invalid, "bad_settings", "settings: BLOB_URL is neither file:///a/folder nor s3://bucket").
		WithHint("Correct it, or leave it empty to do without images.")
}

// Close ends the bucket's use; of one that is nil there is nothing to end.
func (b *Bucket) Close() {
	if b != nil {
		_ = b.files.Close() // it frees memory, and has nothing to flush.
	}
}

// Origin is where browsers reach the files when that is not where they reach
// Rostrum, else empty.
func (b *Bucket) Origin() string {
	if b == nil {
		return ""
	}
	return b.origin
}

// Upload is how a browser may put one file.
type Upload struct {
	Method, URL string
	// Headers must be sent as they are.
	Headers map[string]string
}

// UploadURL signs one upload of a file of that type and length. Errors: Unavailable.
func (b *Bucket) UploadURL(ctx context.Context, key, contentType string, size int64, life time.Duration) (Upload, error) {
	options := &gocloud.SignedURLOptions{Method: http.MethodPut, Expiry: life}
	if b.pins {
		options.BeforeSign = func(as func(any) bool) error {
			var in *s3.PutObjectInput
			if !as(&in) {
				return errors.New("not S3's request")
			}
			in.ContentType, in.ContentLength = aws.String(contentType), aws.Int64(size)
			return nil
		}
	} else {
		options.ContentType = contentType
	}
	signed, err := b.files.SignedURL(ctx, key, options)
	if err != nil {
		return Upload{}, fmt.Errorf("sign an upload: %w", classify(err))
	}
	return Upload{Method: http.MethodPut, URL: signed, Headers: map[string]string{"Content-Type": contentType}}, nil
}

// DownloadURL signs the reading of a file. Errors: Unavailable.
func (b *Bucket) DownloadURL(ctx context.Context, key string, life time.Duration) (string, error) {
	signed, err := b.files.SignedURL(ctx, key, &gocloud.SignedURLOptions{Method: http.MethodGet, Expiry: life})
	if err != nil {
		return "", fmt.Errorf("sign a download: %w", classify(err))
	}
	return signed, nil
}

// Read returns a file of at most limit bytes. Errors: NotFound, TooLarge, Unavailable.
func (b *Bucket) Read(ctx context.Context, key string, limit int64) ([]byte, error) {
	r, err := b.files.NewReader(ctx, key, nil)
	if err != nil {
		return nil, fmt.Errorf("read file %s: %w", key, classify(err))
	}
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("read file %s: %w", key, classify(err))
	}
	if int64(len(raw)) > limit {
		return nil, apperr.New(apperr.TooLarge, "file_too_large", "the file is larger than %d bytes", limit)
	}
	return raw, nil
}

// Write stores a file, over one that is there. Errors: Unavailable.
func (b *Bucket) Write(ctx context.Context, key, contentType string, data []byte) error {
	err := b.files.Upload(ctx, key, bytes.NewReader(data), &gocloud.WriterOptions{ContentType: contentType})
	if err != nil {
		return fmt.Errorf("write file %s: %w", key, classify(err))
	}
	return nil
}

// Delete removes a file; one that is not there is no error. Errors: Unavailable.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if err := b.files.Delete(ctx, key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("delete file %s: %w", key, classify(err))
	}
	return nil
}

// Expire deletes what lies under a prefix and was last written before a time,
// and returns how many files that were. Errors: Unavailable.
func (b *Bucket) Expire(ctx context.Context, prefix string, before time.Time) (int, error) {
	n := 0
	for file := b.files.List(&gocloud.ListOptions{Prefix: prefix}); ; {
		at, err := file.Next(ctx)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("list files under %s: %w", prefix, classify(err))
		}
		if !at.ModTime.Before(before) {
			continue
		}
		if err := b.Delete(ctx, at.Key); err != nil {
			return n, err
		}
		n++
	}
}

// Incoming is the prefix of uploads that nobody has looked at.
const Incoming = "incoming/"

// IncomingKey is where a browser puts a file.
func IncomingKey(workspace, media uuid.UUID) string {
	return Incoming + workspace.String() + "/" + media.String()
}

// MediaKey is where a file is kept, by its digest: what has another content
// has another key. A digest is hexadecimal behind "sha256:".
func MediaKey(workspace, media uuid.UUID, digest string) string {
	return "media/" + workspace.String() + "/" + media.String() + "/" + strings.TrimPrefix(digest, "sha256:")
}

// Digest is the digest of a file.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func classify(err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		return apperr.New(apperr.NotFound, "no_such_file", "there is no such file").WithCause(err)
	}
	return apperr.New(apperr.Unavailable, "files_unavailable", "the place where files are kept does not answer").WithCause(err).
		WithHint("Try again in a moment.")
}
