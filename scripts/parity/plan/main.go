// Command plan holds a Terraform plan to template.yaml: what will be deployed is
// what the template lists, no more and no less.
//
//	terraform show -json plan > plan.json
//	go run ./scripts/parity/plan template.yaml plan.json
//
// Each disagreement is one line that names the line of template.yaml.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: plan template.yaml plan.json")
		os.Exit(2)
	}
	faults, checked, err := run(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "plan: "+err.Error())
		os.Exit(2)
	}
	for _, fault := range faults {
		fmt.Println(fault)
	}
	if len(faults) > 0 {
		os.Exit(1)
	}
	fmt.Printf("the plan is what template.yaml says: %d values compared\n", checked)
}

func run(templatePath, planPath string) (faults []string, checked int, err error) {
	rawTemplate, err := os.ReadFile(templatePath)
	if err != nil {
		return nil, 0, fmt.Errorf("read template: %w", err)
	}
	rawPlan, err := os.ReadFile(planPath)
	if err != nil {
		return nil, 0, fmt.Errorf("read plan: %w", err)
	}
	t, err := parseTemplate(templatePath, rawTemplate)
	if err != nil {
		return nil, 0, err
	}
	p, err := parsePlan(rawPlan)
	if err != nil {
		return nil, 0, err
	}
	faults, checked = compare(t, p)
	return faults, checked, nil
}
