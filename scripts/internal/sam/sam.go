// Package sam runs the functions in containers with the SAM CLI, from
// template.yaml: one invocation, all payloads of events/, the HTTP API, or the
// whole product with shared/host as the bridge between queues, schedules and
// Lambda's Invoke API.
//
// What the functions need of their surroundings (Postgres, simulators, and the
// queues unless they are elsewhere) is scripts/internal/stack, which listens at
// the container bridge's address. SAM and the container engine are those of the
// PATH; errors are sentences that say what is missing.
package sam

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gopkg.in/yaml.v3"

	"rostrum/shared/host"
)

// buildDir is where `sam build` puts the programs and the template it makes.
const buildDir = ".build/sam/build"

// CLI is the SAM CLI beside a container engine that answers.
type CLI struct {
	// Log takes what SAM and the functions print; LogPath names it for people.
	Log     io.Writer
	LogPath string
	// architecture is Lambda's word for this machine's processor.
	architecture string
	template     string
}

// Find looks for what is needed. Errors name what is missing and where to get it.
func Find(ctx context.Context) (*CLI, error) {
	c := &CLI{Log: io.Discard, architecture: map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]}
	if c.architecture == "" {
		return nil, fmt.Errorf("Lambda knows no processor of the kind %s", runtime.GOARCH) //nolint:staticcheck // a name.
	}
	if _, err := exec.LookPath("sam"); err != nil {
		return nil, errors.New("the SAM CLI is missing: install it (docs.aws.amazon.com/serverless-application-model, or pip install aws-sam-cli) so that sam is on the PATH")
	}
	if _, err := exec.LookPath("docker"); err != nil {
		return nil, errors.New("the container engine is missing: install Docker (docs.docker.com/get-docker) so that docker is on the PATH")
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "docker", "version", "--format", "{{.Server.Version}}").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("no container engine answers: start Docker, or set DOCKER_HOST to one. It said: %s", firstLine(out))
	}
	image := "public.ecr.aws/lambda/provided:al2023-" + c.architecture
	if err := exec.CommandContext(ctx, "docker", "image", "inspect", image).Run(); err != nil {
		return nil, fmt.Errorf("the functions' image is missing: docker pull %s", image)
	}
	return c, nil
}

// HostAddress is where containers reach this machine: what HOST_ADDRESS says,
// else the address of Docker's own bridge.
func HostAddress(setting string) (string, error) {
	if setting != "" {
		return setting, nil
	}
	bridge, err := net.InterfaceByName("docker0")
	if err == nil {
		addresses, err := bridge.Addrs()
		if err != nil {
			return "", fmt.Errorf("read the addresses of docker0: %w", err)
		}
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
				return n.IP.String(), nil
			}
		}
	}
	return "", errors.New("it is not clear where containers reach this machine: set HOST_ADDRESS to an address of it that they can reach")
}

// command is a SAM command, in a process group of its own so that a Ctrl-C at
// the terminal reaches only us.
func (c *CLI) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sam", args...)
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE":
			// Nothing here reaches AWS, and SAM would try for seconds.
		default:
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "SAM_CLI_TELEMETRY=0", "AWS_EC2_METADATA_DISABLED=true", "AWS_DEFAULT_REGION=eu-central-1", "ARCH="+c.architecture)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// On SIGTERM its servers leave containers behind.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 20 * time.Second
	return cmd
}

// Build makes the programs, for this machine's processor.
func (c *CLI) Build(ctx context.Context) error {
	cmd := c.command(ctx, "build", "--build-dir", buildDir, "--parameter-overrides", "Architecture="+c.architecture)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("sam build did not work (%w); it said: %s", err, tail(out))
	}
	return nil
}

// Prepare writes the template that SAM then runs: the built one with every
// setting in place. SAM sets only variables that a template declares, and the
// simulators' are none of the cloud's. The file holds keys; it is this user's
// only, and the caller removes it.
func (c *CLI) Prepare(t *host.Template, settings map[string]map[string]string) (remove func(), err error) {
	raw, err := os.ReadFile(filepath.Join(buildDir, "template.yaml"))
	if err != nil {
		return nil, fmt.Errorf("what sam build made cannot be read: %w", err)
	}
	root, err := filepath.Abs(buildDir)
	if err != nil {
		return nil, fmt.Errorf("the folder %s cannot be used: %w", buildDir, err)
	}
	filled, err := fill(raw, root, c.architecture, t, settings)
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(root), "local-*.yaml")
	if err != nil {
		return nil, fmt.Errorf("the folder %s cannot be written: %w", filepath.Dir(root), err)
	}
	remove = func() { _ = os.Remove(file.Name()) }
	_, err = file.Write(filled)
	if err = errors.Join(err, file.Close()); err != nil {
		remove()
		return nil, fmt.Errorf("the file %s cannot be written: %w", file.Name(), err)
	}
	c.template = file.Name()
	return remove, nil
}

// fill puts the settings into a built template.
func fill(raw []byte, root, architecture string, t *host.Template, settings map[string]map[string]string) ([]byte, error) {
	var document map[string]any
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return nil, fmt.Errorf("the built template is not YAML: %w", err)
	}
	resources, ok := document["Resources"].(map[string]any)
	if !ok {
		return nil, errors.New("the built template has no resources")
	}
	for _, f := range t.Functions {
		resource, ok := resources[f.LogicalID].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("the built template has no %s: it is older than template.yaml", f.LogicalID)
		}
		properties, ok := resource["Properties"].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s has no properties in the built template", f.LogicalID)
		}
		properties["CodeUri"] = filepath.Join(root, f.LogicalID)
		properties["Architectures"] = []string{architecture}
		properties["Environment"] = map[string]any{"Variables": settings[f.Name]}
	}
	out, err := yaml.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("write the template for SAM: %w", err)
	}
	return out, nil
}

// Invoke runs one function once, in a container of its own, and returns the JSON
// that SAM prints. SAM ends well whatever the function did: the JSON tells.
func (c *CLI) Invoke(ctx context.Context, function, event string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := c.command(ctx, "local", "invoke", function, "-t", c.template, "-e", event, "--skip-pull-image")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	_, _ = c.Log.Write(stderr.Bytes())
	if err != nil {
		return nil, fmt.Errorf("sam local invoke %s did not work (%w); it said: %s", function, err, tail(stderr.Bytes()))
	}
	answer := bytes.TrimSpace(stdout.Bytes())
	if len(answer) == 0 {
		return nil, fmt.Errorf("function %s ended without an answer: it ran into its timeout or crashed. SAM said: %s", function, tail(stderr.Bytes()))
	}
	return answer, nil
}

// service is one of SAM's servers.
type service struct {
	cli    *CLI
	name   string
	cmd    *exec.Cmd
	cancel context.CancelFunc
	ended  chan struct{}
}

// Start runs start-api or start-lambda at a port of this machine's loopback and
// returns when it listens, with what ends it and its containers.
func (c *CLI) Start(ctx context.Context, command string, port int, failed func(error)) (stop func(), err error) {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &service{cli: c, name: "sam local " + command, cancel: cancel, ended: make(chan struct{})}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	s.cmd = c.command(running, "local", command, "-t", c.template, "--host", "127.0.0.1", "--port", strconv.Itoa(port),
		"--skip-pull-image", "--warm-containers", "LAZY")
	s.cmd.Stdout, s.cmd.Stderr = c.Log, c.Log
	if err := s.cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("%s cannot be started: %w", s.name, err)
	}
	go func() {
		defer close(s.ended)
		err := s.cmd.Wait()
		if running.Err() == nil {
			failed(fmt.Errorf("%s ended by itself (%w): %s says why", s.name, err, c.LogPath))
		}
	}()
	if err := s.listens(ctx, address); err != nil {
		s.stop()
		return nil, err
	}
	return s.stop, nil
}

func (s *service) stop() {
	s.cancel()
	<-s.ended
}

func (s *service) listens(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-s.ended:
			return fmt.Errorf("%s ended right after its start: %s says why", s.name, s.cli.LogPath)
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer at %s: %w", s.name, address, ctx.Err())
		case <-tick.C:
		}
	}
}

// Sweep removes the containers of this folder's functions that SAM left: when it
// is told to stop, it may break off before it has removed them all.
func (c *CLI) Sweep(ctx context.Context) {
	root, err := filepath.Abs(buildDir)
	if err != nil {
		return
	}
	list, err := exec.CommandContext(ctx, "docker", "ps", "-aq", "--filter", "label=sam.cli.container.type=lambda").Output()
	if err != nil {
		return // without an engine there are no containers either.
	}
	for id := range strings.FieldsSeq(string(list)) {
		mounts, err := exec.CommandContext(ctx, "docker", "inspect", "-f", "{{range .Mounts}}{{println .Source}}{{end}}", id).Output()
		if err == nil && strings.HasPrefix(string(mounts), root+string(filepath.Separator)) {
			_ = exec.CommandContext(ctx, "docker", "rm", "-f", id).Run()
		}
	}
}

func firstLine(out []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}

func tail(out []byte) string {
	s := strings.TrimSpace(string(out))
	return s[max(0, len(s)-1500):]
}
