// Package post holds a post's life: its states, its content and versions, and
// the approval that binds a person's word to exactly one content.
//
// Start reading at Transitions (the state machine) and Content.Hash (what an
// approval is bound to). The machine, as Transitions has it and a test keeps it:
//
//	stateDiagram-v2
//	    draft --> in_review: submitted
//	    draft --> canceled: canceled
//	    in_review --> awaiting_approval: reviewed
//	    in_review --> changes_requested: review asks for changes
//	    in_review --> draft: edited
//	    in_review --> canceled: canceled
//	    changes_requested --> draft: edited
//	    changes_requested --> in_review: submitted again
//	    changes_requested --> canceled: canceled
//	    awaiting_approval --> approved: approved without a time
//	    awaiting_approval --> scheduled: approved with a time
//	    awaiting_approval --> changes_requested: approver asks for changes
//	    awaiting_approval --> rejected: rejected
//	    awaiting_approval --> draft: edited
//	    awaiting_approval --> canceled: canceled
//	    rejected --> draft: reopened
//	    approved --> scheduled: given a time
//	    approved --> draft: edited
//	    approved --> canceled: canceled
//	    scheduled --> approved: time taken away
//	    scheduled --> draft: edited
//	    scheduled --> canceled: canceled
//	    scheduled --> sending: intent written
//	    scheduled --> missed: too late for the catch-up rule
//	    scheduled --> failed: cannot be sent
//	    sending --> published: all parts accepted
//	    sending --> scheduled: nothing went out, try again
//	    sending --> failed: refused by the network
//	    sending --> unknown: answer unclear
//	    unknown --> published: found on the network
//	    unknown --> scheduled: proved absent
//	    unknown --> sending: found, next part
//	    unknown --> failed: a person says it is not there
//	    failed --> scheduled: retried by a person
//	    failed --> draft: edited
//	    failed --> canceled: canceled
//	    missed --> scheduled: given a new time
//	    missed --> draft: edited
//	    missed --> canceled: canceled
package post
