package passes

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tapsweep/batch"
	"tapsweep/input"
)

// A Pass is a Temporary Access Pass as LIST shows it. What Graph leaves out is
// zero. Source: learn.microsoft.com/graph/api/resources/temporaryaccesspassauthenticationmethod.
type Pass struct {
	ID         string
	Created    time.Time
	Start      time.Time
	Lifetime   time.Duration
	UsableOnce bool

	usability string // methodUsabilityReason
}

// Expires is when the pass ends; Graph has no property for it. Zero is not known.
func (p *Pass) Expires() time.Time {
	if p.Start.IsZero() || p.Lifetime <= 0 {
		return time.Time{}
	}
	return p.Start.Add(p.Lifetime)
}

// A Reason is why a pass can be used, or why not.
type Reason string

// The reasons, in the order in which they are told.
const (
	Expired   Reason = "expired"
	Used      Reason = "used"      // it was good for one sign-in
	Disabled  Reason = "disabled"  // a policy excludes the user or all passes
	Scheduled Reason = "scheduled" // it begins later
	Usable    Reason = "usable"
	Unknown   Reason = "unknown" // Graph says something else, or contradicts the dates
)

// Reasons lists all of them but Unknown, which nobody may ask for.
var Reasons = []Reason{Expired, Used, Disabled, Scheduled, Usable}

// reasons are the values of methodUsabilityReason. It is a plain string, so there
// may be others one day.
var reasons = map[string]Reason{
	"enabledbypolicy": Usable, "disabledbypolicy": Disabled, "notyetvalid": Scheduled,
	"expired": Expired, "onetimeused": Used,
}

// slack is by how much the service's own clocks may differ from each other.
const slack = 5 * time.Minute

// Reason tells why the pass can be used at now, or why not. Where Graph says
// nothing, or a word that is not known, the dates decide as far as they can; where
// they contradict what Graph says of the end, nothing is known.
func (p *Pass) Reason(now time.Time) Reason {
	expires := p.Expires()
	said, known := reasons[strings.ToLower(p.usability)]
	switch {
	case known && said == Expired && now.Add(slack).Before(expires):
		return Unknown
	case known:
		return said
	case !expires.IsZero() && now.After(expires.Add(slack)):
		return Expired
	case now.Add(slack).Before(p.Start):
		return Scheduled
	}
	return Unknown
}

// Listed tells whether the result is the answer to a LIST that worked.
func Listed(res batch.Result) bool {
	return res.Err == nil && res.Response.Status >= 200 && res.Response.Status < 300
}

// Read returns the passes in the answer to a LIST that worked, none for another.
// It is an error if there is an answer, and it cannot be read: nothing may be
// concluded from it then, least of all that the user holds no pass.
func Read(res batch.Result) ([]Pass, error) {
	if !Listed(res) {
		return nil, nil
	}
	var list struct {
		Value *[]struct {
			ID        string    `json:"id"`
			Created   timestamp `json:"createdDateTime"`
			Start     timestamp `json:"startDateTime"`
			Minutes   int64     `json:"lifetimeInMinutes"`
			Once      bool      `json:"isUsableOnce"`
			Usability string    `json:"methodUsabilityReason"`
		} `json:"value"`
		NextLink string `json:"@odata.nextLink"`
	}
	if err := json.Unmarshal(res.Response.Body, &list); err != nil {
		return nil, fmt.Errorf("the list of passes cannot be read: %w", err)
	}
	if list.Value == nil || list.NextLink != "" {
		return nil, errors.New("the list of passes cannot be read: it has no value, or more than one page")
	}
	held := make([]Pass, 0, len(*list.Value))
	for _, v := range *list.Value {
		// The id goes into the path of a DELETE, so it has to be one.
		if err := input.CheckMethod(v.ID); err != nil {
			return nil, fmt.Errorf("the list of passes cannot be read: %w", err)
		}
		p := Pass{ID: v.ID, Created: v.Created.Time, Start: v.Start.Time, UsableOnce: v.Once, usability: v.Usability}
		if v.Minutes > 0 && v.Minutes <= maxMinutes {
			p.Lifetime = time.Duration(v.Minutes) * time.Minute
		}
		held = append(held, p)
	}
	return held, nil
}

// maxMinutes is many times the longest lifetime, 30 days; a longer one is not
// believed. Source: learn.microsoft.com/entra, howto-authentication-temporary-access-pass.
const maxMinutes = 10 * 43200

// timestamp reads a DateTimeOffset leniently: what is none is a time not known,
// which is no reason not to know of the pass.
type timestamp struct{ time.Time }

func (t *timestamp) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		t.Time, _ = time.Parse(time.RFC3339Nano, text)
	}
	return nil
}

// Find returns the pass with the id, nil if it is not among them. Ids compare
// without case.
func Find(held []Pass, id string) *Pass {
	for i := range held {
		if strings.EqualFold(held[i].ID, id) {
			return &held[i]
		}
	}
	return nil
}
