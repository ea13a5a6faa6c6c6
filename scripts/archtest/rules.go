package archtest

const aws = "github.com/aws/aws-sdk-go-v2"

func domain() []string {
	return []string{"shared/account", "shared/post", "shared/schedule", "shared/experiment", "shared/engagement", "shared/audit", "shared/throttle"}
}

func adapters() []string {
	return []string{"shared/platform/...", "shared/ai/...", "shared/queue/...", "shared/ratelimit/...", "shared/cache", "shared/redisclient", "shared/secrets/...", "shared/vault/...", "shared/blob"}
}

func pgx() []string { return []string{"github.com/jackc/...", "database/sql/..."} }

// simulators are for tests and local programs only, and so are test packages.
func simulators() []string {
	return []string{"shared/simulator/...", "shared/*/*test", "shared/*/*test/..."}
}

// keptReads keeps the cache from everything but research.
func keptReads() rule {
	return rule{
		name: "R4 kept reads", from: []string{"shared/workflow/*", "shared/platform/...", "functions/publish/...", "functions/metrics/...", "functions/api/..."},
		never: []string{"shared/cache"},
		why:   "what decides about a post is read where it stands, never out of a cache (decision 0014)",
	}
}

// rules are R1 to R7 in the order of the table in CONTRIBUTING.md.
func rules() []rule {
	return []rule{
		{
			name: "R1 domain", from: domain(), never: []string{"shared/...", "functions/...", "scripts/..."},
			unless: append(domain(), "shared/apperr"),
			why:    "the domain knows only itself",
		},
		{
			name: "R1 domain", from: domain(), never: []string{"github.com/jackc/...", "database/sql", "github.com/aws/..."},
			why: "the domain does no I/O",
		},
		{
			name: "R1 domain", from: domain(), direct: true, never: []string{"net/http", "os", "log/slog", "database/sql"},
			why: "the domain does no I/O and does not log",
		},
		{
			name: "R2 store", from: []string{"shared/store", "shared/store/internal/...", "shared/store/migrations"},
			never: []string{"shared/queue/...", "shared/platform/...", "shared/ai/...", "shared/workflow/...", "shared/host/...", "functions/...", "scripts/..."},
			why:   "the store holds state and starts nothing",
		},
		{
			name: "R3 adapters", from: adapters(),
			never: []string{"shared/store/...", "shared/workflow/...", "shared/host/...", "functions/...", "scripts/..."},
			but:   []string{"shared/queue/queuetest", "shared/platform/platformtest"},
			why:   "an adapter speaks to one outside thing",
		},
		{
			name: "R3 adapters", from: []string{"shared/platform/..."}, never: []string{"shared/ai/...", "shared/queue/...", "shared/vault/..."},
			why: "adapters do not know one another",
		},
		{
			name: "R3 adapters", from: []string{"shared/queue/..."}, never: []string{"shared/ai/...", "shared/platform/...", "shared/vault/..."},
			why: "adapters do not know one another",
		},
		{
			name: "R3 adapters", from: []string{"shared/vault/..."}, never: []string{"shared/ai/...", "shared/platform/...", "shared/queue/..."},
			why: "adapters do not know one another",
		},
		{
			name: "R4 workflows", from: []string{"shared/workflow/*"}, direct: true,
			never: append(pgx(), "net/http", "github.com/aws/...", "shared/platform/*", "shared/ai/openai", "shared/queue/*", "shared/httpclient"),
			why:   "use cases speak through seams, not wires",
		},
		keptReads(),
		{
			name: "R4 workflows", from: []string{"shared/workflow/*"}, direct: true, never: []string{"shared/workflow/*"},
			why: "use cases do not call one another; they leave messages",
		},
		{
			name: "R4 floors", from: []string{"shared/..."}, never: []string{"functions/...", "scripts/..."},
			why: "nothing imports upwards",
		},
		{
			name: "R6 AWS SDK", from: []string{"shared/...", "functions/...", "scripts/..."}, direct: true,
			but:   []string{"shared/blob", "shared/queue/sqsqueue", "shared/queue/queuetest", "shared/secrets/...", "shared/vault/...", "shared/host/...", "scripts/internal/..."},
			never: []string{aws + "/..."}, exceptFiles: []string{"wire.go"},
			why: "the cloud is reached from a few named places",
		},
		{
			name: "R6 Lambda", from: []string{"shared/...", "scripts/..."}, direct: true,
			but:   []string{"shared/host/...", "shared/wake", "scripts/internal/..."},
			never: []string{"github.com/aws/aws-lambda-go/..."},
			why:   "Lambda's payloads are decoded at the edge",
		},
		{
			name: "R6 SQL", from: []string{"shared/...", "functions/...", "scripts/..."}, direct: true,
			but:   []string{"shared/store/...", "scripts/internal/postgres", "scripts/internal/arena", "scripts/internal/soak", "scripts/testdb"},
			never: pgx(), exceptFiles: []string{"wire.go"},
			why: "SQL lives in shared/store",
		},
		{
			name: "R7 simulators", from: []string{"shared/...", "functions/..."}, never: simulators(),
			but: simulators(),
			why: "what ships holds no simulator and no test support",
		},
		{
			name: "R7 simulators", from: []string{"shared/simulator/..."}, direct: true, never: []string{"*/...", "*"},
			unless: []string{"std", "shared/simulator/..."},
			why:    "a simulator that shares code with a client shares its wrong beliefs",
		},
	}
}

// functionRules are R5, one for each function.
func functionRules(names []string) []rule {
	var out []rule
	for _, name := range names {
		out = append(out, rule{
			name: "R5 functions", from: []string{"functions/" + name + "/..."},
			never: []string{"functions/...", "scripts/..."}, unless: []string{"functions/" + name + "/..."},
			why: "each function is deployed by itself",
		})
	}
	return out
}
