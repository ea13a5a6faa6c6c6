package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	gocloud "gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"

	"rostrum/shared/apperr"
	"rostrum/shared/imagefile"
)

const (
	// Path is where a folder's Handler is mounted.
	Path = "/files/"
	// maxUpload bounds one upload; who asked for it bounds it further.
	maxUpload = 16 << 20
	keyBytes  = 32
)

func openFolder(dir, base string) (*gocloud.Bucket, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, noFolder(err)
	}
	options := &fileblob.Options{DirFileMode: 0o700, NoTempDir: true, Metadata: fileblob.MetadataDontWrite}
	if base != "" {
		signer, err := signerOf(dir, base)
		if err != nil {
			return nil, err
		}
		options.URLSigner = signer
	}
	files, err := fileblob.OpenBucket(dir, options)
	if err != nil {
		return nil, noFolder(err)
	}
	return files, nil
}

func noFolder(err error) error {
	return apperr.New(apperr.Invalid, "bad_settings", "settings: the folder of BLOB_URL cannot be used").WithCause(err)
}

// signerOf signs with the key that lies in the folder, so that whoever opens it
// knows each other's signatures.
func signerOf(dir, base string) (*fileblob.URLSignerHMAC, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("read the address of files: %w", err)
	}
	key, err := folderKey(dir)
	if err != nil {
		return nil, err
	}
	return fileblob.NewURLSignerHMAC(u, key), nil
}

// folderKey reads the folder's key, or makes it. Of several who make one at the
// same time the first wins.
func folderKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, ".signing-key")
	key, err := os.ReadFile(path) //nolint:gosec // the folder is the operator's own setting.
	if err == nil && len(key) == keyBytes {
		return key, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, noFolder(err)
	}
	made := make([]byte, keyBytes)
	_, _ = rand.Read(made) // never fails
	file, err := os.CreateTemp(dir, ".signing-key-*")
	if err != nil {
		return nil, noFolder(err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(made)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, noFolder(err)
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, noFolder(err)
	}
	if key, err = os.ReadFile(path); err != nil || len(key) != keyBytes { //nolint:gosec // as above.
		return nil, noFolder(errors.Join(err, errors.New(path+" is not a key")))
	}
	return key, nil
}

// Handler answers the signed addresses of a folder, at Path, as S3 answers its
// own; nil when the settings name no folder. It serves images and nothing that
// a browser could run. Errors: as Open.
func Handler(ctx context.Context, s Settings) (http.Handler, error) {
	dir, ok := strings.CutPrefix(s.URL, "file://")
	if !ok {
		return nil, nil //nolint:nilnil // S3 answers for itself, and nothing has no answer.
	}
	b, err := Open(ctx, s, Path)
	if err != nil {
		return nil, err
	}
	signer, err := signerOf(dir, Path)
	if err != nil {
		return nil, err
	}
	return &folder{files: b.files, signer: signer}, nil
}

type folder struct {
	files  *gocloud.Bucket
	signer *fileblob.URLSignerHMAC
}

// ServeHTTP answers one signed request.
func (f *folder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	key, err := f.signer.KeyFromURL(r.Context(), r.URL)
	query := r.URL.Query()
	switch {
	case err != nil, query.Get("method") != r.Method:
		http.Error(w, "This address has run out or was changed.", http.StatusForbidden)
	case r.Method == http.MethodGet:
		f.get(w, r, key)
	case r.Method == http.MethodPut && query.Get("contentType") != "" && query.Get("contentType") == r.Header.Get("Content-Type"):
		f.put(w, r, key)
	default:
		http.Error(w, "That is not what this address was given for.", http.StatusForbidden)
	}
}

func (f *folder) get(w http.ResponseWriter, r *http.Request, key string) {
	file, err := f.files.NewReader(r.Context(), key, nil)
	if err != nil {
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	defer func() { _ = file.Close() }()
	head := make([]byte, 512)
	n, _ := io.ReadFull(file, head)
	kind := imagefile.Sniff(head[:n])
	if !slices.Contains(imagefile.Types(), kind) {
		http.Error(w, "There is no such image.", http.StatusNotFound)
		return
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		http.Error(w, "The file cannot be read.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", string(kind))
	w.Header().Set("Cache-Control", "private, max-age=300")
	http.ServeContent(w, r, "", file.ModTime(), file)
}

func (f *folder) put(w http.ResponseWriter, r *http.Request, key string) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out, err := f.files.NewWriter(ctx, key, nil)
	if err != nil {
		http.Error(w, "The file cannot be stored.", http.StatusInternalServerError)
		return
	}
	_, err = io.Copy(out, http.MaxBytesReader(w, r.Body, maxUpload))
	if err != nil {
		cancel() // what was written so far is dropped.
	}
	if err = errors.Join(err, out.Close()); err == nil {
		return
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		http.Error(w, "The file is larger than 16 MB.", http.StatusRequestEntityTooLarge)
		return
	}
	http.Error(w, "The file did not arrive whole.", http.StatusBadRequest)
}
