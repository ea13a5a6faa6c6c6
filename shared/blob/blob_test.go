package blob_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"rostrum/shared/apperr"
	"rostrum/shared/blob"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Idle connections of clients that no test holds any more.
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 2))))
	return b.Bytes()
}

// inFolder is a bucket in a folder, with a server that answers its addresses.
func inFolder(t *testing.T) *blob.Bucket {
	t.Helper()
	s := blob.Settings{URL: "file://" + t.TempDir()}
	handler, err := blob.Handler(t.Context(), s)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle(blob.Path, handler)
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	b, err := blob.Open(t.Context(), s, web.URL+blob.Path)
	require.NoError(t, err)
	require.Empty(t, b.Origin())
	return b
}

// inS3 is a bucket of the LocalStack that LOCALSTACK_URL names, or of the few
// calls of S3 below.
func inS3(t *testing.T) *blob.Bucket {
	t.Helper()
	endpoint, name := os.Getenv("LOCALSTACK_URL"), "rostrum-test-"+uuid.NewString()
	if endpoint == "" {
		web := httptest.NewServer(&fewCalls{files: map[string][]byte{}})
		t.Cleanup(web.Close)
		endpoint = web.URL
	} else {
		client := s3.New(s3.Options{
			BaseEndpoint: aws.String(endpoint), Region: "us-east-1", UsePathStyle: true,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		})
		_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(name)})
		require.NoError(t, err)
	}
	b, err := blob.Open(t.Context(), blob.Settings{URL: "s3://" + name, S3Endpoint: endpoint}, "")
	require.NoError(t, err)
	require.Equal(t, endpoint, b.Origin())
	return b
}

// fewCalls answers what a bucket asks of S3, and holds uploads to what was signed.
type fewCalls struct {
	mu    sync.Mutex
	files map[string][]byte
}

func (f *fewCalls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch r.Method {
	case http.MethodPut:
		if q := r.URL.Query(); q.Has("X-Amz-Signature") {
			if signed := q.Get("X-Amz-SignedHeaders"); !strings.Contains(signed, "content-length") || !strings.Contains(signed, "content-type") {
				http.Error(w, signed, http.StatusForbidden)
				return
			}
		}
		f.files[r.URL.Path], _ = io.ReadAll(r.Body)
	case http.MethodDelete:
		delete(f.files, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	case http.MethodGet:
		if prefix := r.URL.Query().Get("prefix"); prefix != "" {
			w.Header().Set("Content-Type", "application/xml")
			_, _ = io.WriteString(w, "<ListBucketResult><IsTruncated>false</IsTruncated>")
			for path := range f.files {
				if key := strings.SplitN(path, "/", 3)[2]; strings.HasPrefix(key, prefix) {
					_, _ = io.WriteString(w, "<Contents><Key>"+key+"</Key><Size>1</Size><LastModified>"+time.Now().UTC().Format(time.RFC3339)+"</LastModified></Contents>")
				}
			}
			_, _ = io.WriteString(w, "</ListBucketResult>")
			return
		}
		fallthrough
	default:
		file, ok := f.files[r.URL.Path]
		if !ok {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `<Error><Code>NoSuchKey</Code></Error>`)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
	}
}

func both(t *testing.T, test func(*testing.T, *blob.Bucket)) {
	t.Helper()
	for name, open := range map[string]func(*testing.T) *blob.Bucket{"Folder": inFolder, "S3OutOfAWS": inS3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			t.Cleanup(b.Close)
			test(t, b)
		})
	}
}

func send(ctx context.Context, t *testing.T, method, address, contentType string, body []byte) (status int, answer []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	require.NoError(t, err)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	got, err := new(http.Client).Do(r)
	require.NoError(t, err)
	answer, err = io.ReadAll(got.Body)
	require.NoError(t, err)
	require.NoError(t, got.Body.Close())
	return got.StatusCode, answer
}

func TestFilesOutOfAWSOrAFolder(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *blob.Bucket) {
		t.Helper()
		ctx, key, file := t.Context(), uuid.NewString()+"/media/a", picture(t)
		_, err := b.Read(ctx, key, 10)
		require.Equal(t, apperr.NotFound, apperr.KindOf(err))
		require.NoError(t, b.Delete(ctx, key))

		up, err := b.UploadURL(ctx, key, "image/png", int64(len(file)), time.Minute)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"Content-Type": "image/png"}, up.Headers)
		status, _ := send(ctx, t, up.Method, up.URL, "image/png", file)
		require.Equal(t, http.StatusOK, status)

		got, err := b.Read(ctx, key, int64(len(file)))
		require.NoError(t, err)
		require.Equal(t, file, got)
		_, err = b.Read(ctx, key, int64(len(file))-1)
		require.Equal(t, apperr.TooLarge, apperr.KindOf(err))

		down, err := b.DownloadURL(ctx, key, time.Minute)
		require.NoError(t, err)
		status, got = send(ctx, t, http.MethodGet, down, "", nil)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, file, got)

		require.NoError(t, b.Write(ctx, key, "image/png", []byte("new")))
		got, err = b.Read(ctx, key, 10)
		require.NoError(t, err)
		require.Equal(t, "new", string(got))
		require.NoError(t, b.Delete(ctx, key))
		_, err = b.Read(ctx, key, 10)
		require.Equal(t, apperr.NotFound, apperr.KindOf(err))

		for _, key := range []string{blob.Incoming + "a/1", blob.Incoming + "b/2", "media/c"} {
			require.NoError(t, b.Write(ctx, key, "image/png", file))
		}
		n, err := b.Expire(ctx, blob.Incoming, time.Now().Add(-time.Hour))
		require.NoError(t, err)
		require.Zero(t, n, "what is new stays")
		n, err = b.Expire(ctx, blob.Incoming, time.Now().Add(time.Hour))
		require.NoError(t, err)
		require.Equal(t, 2, n)
		_, err = b.Read(ctx, "media/c", 1000)
		require.NoError(t, err, "what lies elsewhere stays")
	})
}

func TestAFoldersAddressesAllowExactlyWhatWasSigned(t *testing.T) {
	t.Parallel()
	ctx, b, file := t.Context(), inFolder(t), picture(t)
	require.NoError(t, b.Write(ctx, "w/a", "image/png", file))
	require.NoError(t, b.Write(ctx, "w/page", "text/html", []byte("<script>alert(1)</script>")))
	up, err := b.UploadURL(ctx, "w/b", "image/png", 10, time.Minute)
	require.NoError(t, err)
	old, err := b.UploadURL(ctx, "w/c", "image/png", 10, time.Nanosecond)
	require.NoError(t, err)
	down, err := b.DownloadURL(ctx, "w/a", time.Minute)
	require.NoError(t, err)
	page, err := b.DownloadURL(ctx, "w/page", time.Minute)
	require.NoError(t, err)
	changed, err := url.Parse(down)
	require.NoError(t, err)
	q := changed.Query()
	q.Set("obj", "w/page")
	changed.RawQuery = q.Encode()

	for name, tc := range map[string]struct {
		method, address, kind string
		want                  int
	}{
		"OtherType":   {http.MethodPut, up.URL, "text/html", http.StatusForbidden},
		"NoType":      {http.MethodPut, up.URL, "", http.StatusForbidden},
		"ReadsUpload": {http.MethodGet, up.URL, "", http.StatusForbidden},
		"WritesRead":  {http.MethodPut, down, "image/png", http.StatusForbidden},
		"OtherKey":    {http.MethodGet, changed.String(), "", http.StatusForbidden},
		"Unsigned":    {http.MethodGet, strings.Split(down, "?")[0] + "?obj=w/a&method=GET", "", http.StatusForbidden},
		"NoImage":     {http.MethodGet, page, "", http.StatusNotFound},
		"Deletes":     {http.MethodDelete, down, "", http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, _ := send(t.Context(), t, tc.method, tc.address, tc.kind, nil)
			require.Equal(t, tc.want, status)
		})
	}
	// Addresses run out by whole seconds.
	require.Eventually(t, func() bool {
		status, _ := send(ctx, t, old.Method, old.URL, "image/png", nil)
		return status == http.StatusForbidden
	}, 5*time.Second, 50*time.Millisecond)
	status, _ := send(ctx, t, up.Method, up.URL, "image/png", make([]byte, 16<<20+1))
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	_, err = b.Read(ctx, "w/b", 1)
	require.Equal(t, apperr.NotFound, apperr.KindOf(err), "nothing of what was too large is kept")
}

func TestTheSettingIsAFolderABucketOrNothing(t *testing.T) {
	t.Parallel()
	b, err := blob.Open(t.Context(), blob.Settings{}, "")
	require.NoError(t, err)
	require.Nil(t, b)
	h, err := blob.Handler(t.Context(), blob.Settings{URL: "s3://bucket"})
	require.NoError(t, err)
	require.Nil(t, h)
	for _, bad := range []string{"file://relative/folder", "s3://", "s3://bucket/folder", "http://x", "/a/folder", "::"} {
		_, err := blob.Open(t.Context(), blob.Settings{URL: bad}, "")
		require.Equal(t, apperr.Invalid, apperr.KindOf(err), bad)
	}
	_, err = blob.Open(t.Context(), blob.Settings{URL: "file:///dev/null/x"}, "")
	require.Equal(t, apperr.Invalid, apperr.KindOf(err))
}

func TestTwoProgramsKnowEachOthersSignatures(t *testing.T) {
	t.Parallel()
	s := blob.Settings{URL: "file://" + t.TempDir()}
	buckets := make([]*blob.Bucket, 8)
	var wg sync.WaitGroup
	for i := range buckets {
		wg.Go(func() { buckets[i], _ = blob.Open(t.Context(), s, "http://localhost/files/") })
	}
	wg.Wait()
	h, err := blob.Handler(t.Context(), s)
	require.NoError(t, err)
	require.NoError(t, buckets[0].Write(t.Context(), "a", "image/png", picture(t)))
	for _, b := range buckets {
		address, err := b.DownloadURL(t.Context(), "a", time.Minute)
		require.NoError(t, err)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody))
		require.Equal(t, http.StatusOK, w.Code)
		require.Equal(t, "image/png", w.Header().Get("Content-Type"))
	}
}
