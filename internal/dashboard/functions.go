package dashboard

import (
	"fmt"
	"html/template"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/litekeep/litekeep/internal/human"
)

// functions are what templates may call beside the methods of their data.
func functions(files *assets) template.FuncMap {
	return template.FuncMap{
		"asset": files.url, "icon": icon,
		"bytes": human.Bytes, "int64": func(n int) int64 { return int64(n) }, "count": human.Count, "plural": plural, "change": human.Change,
		"duration":  func(s float64) string { return human.Duration(seconds(s)) },
		"condition": conditionBadge, "outcome": outcomeBadge, "yesno": yesNo, "channel": channelBadge,
		"kind": kindName, "trigger": triggerName, "going": going, "dryrun": dryRun,
		"phase": phaseName, "progress": progressText,
		"dbpath": databasePath, "backuppath": backupPath, "runpath": runPath, "esc": url.PathEscape,
		"sentence": sentence, "marked": marked, "stop": stop, "short": short, "base": path.Base, "percent": percent,
		"join": strings.Join, "dict": dict, "list": func(v ...string) []string { return v },
	}
}

// plural counts things of any integer type.
func plural(n any, thing string) (string, error) {
	switch n := n.(type) {
	case int:
		return human.Plural(n, thing), nil
	case int64:
		return human.Plural(n, thing), nil
	}
	return "", fmt.Errorf("plural of %T", n)
}

// databasePath is the address of a database's page.
func databasePath(name string) string { return "/databases/" + url.PathEscape(name) }

// backupPath is the address of a backup's page.
func backupPath(database, file string) string {
	return databasePath(database) + "/backups/" + url.PathEscape(file)
}

// runPath is the address of a run's page.
func runPath(id string) string { return "/runs/" + url.PathEscape(id) }

// short is the beginning of a checksum.
func short(sum string) string {
	if len(sum) <= 12 {
		return sum
	}
	return sum[:12] + "…"
}

// marked shows what stands between backquotes as code, in a text that is shown as it is
// otherwise.
func marked(text string) template.HTML {
	parts := strings.Split(text, "`")
	if len(parts)%2 == 0 { // one of them has no other
		return template.HTML(template.HTMLEscapeString(text)) //nolint:gosec // escaped
	}
	for i, p := range parts {
		if parts[i] = template.HTMLEscapeString(p); i%2 == 1 {
			parts[i] = "<code>" + parts[i] + "</code>"
		}
	}
	return template.HTML(strings.Join(parts, "")) //nolint:gosec // escaped
}

// percent writes a share for the value of a progress bar.
func percent(p float64) string { return strconv.FormatFloat(min(max(p, 0), 100), 'f', 1, 64) }

// dict makes the data of a template that takes several things.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict takes pairs")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("%v is no name", pairs[i])
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}

// icons are drawn on a field of 16 by 16, in the colour of the text.
var icons = map[string]string{
	"check":    `<circle cx="8" cy="8" r="7" fill="currentColor"/><path d="M4.8 8.2 7 10.4l4.2-4.6" fill="none" stroke="var(--hole)" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/>`,
	"cross":    `<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" fill="currentColor"/><path d="m5.7 5.7 4.6 4.6m0-4.6-4.6 4.6" stroke="var(--hole)" stroke-width="1.8" stroke-linecap="round"/>`,
	"triangle": `<path d="M8 1.2 15.4 14.6H.6z" fill="currentColor" stroke="currentColor" stroke-linejoin="round"/><path d="M8 6v4m0 2.4v.1" stroke="var(--hole)" stroke-width="1.8" stroke-linecap="round"/>`,
	"clock":    `<circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="M8 4.4V8l2.4 1.8" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>`,
	"none":     `<circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="m3.8 12.2 8.4-8.4" stroke="currentColor" stroke-width="1.6"/>`,
	"broken":   `<path d="M8 .8 15.2 8 8 15.2.8 8z" fill="currentColor"/><path d="m8.8 2.6-2 3.8 2.8 2-2.2 4.8" fill="none" stroke="var(--hole)" stroke-width="1.5"/>`,
	"running":  `<g class="spin"><circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-opacity=".3" stroke-width="2"/><path d="M8 2a6 6 0 0 1 6 6" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"/></g>`,
	"dot":      `<circle cx="8" cy="8" r="4" fill="currentColor"/>`,
	"pin":      `<path d="M5 1.5h6l-.8 5 2.3 2.3V10H3.5V8.8l2.3-2.3zM8 10v5" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"/>`,
	"lock":     `<rect x="3" y="7" width="10" height="7.5" rx="1.5" fill="currentColor"/><path d="M5 7V5a3 3 0 0 1 6 0v2" fill="none" stroke="currentColor" stroke-width="1.6"/>`,
}

// icon draws an icon that says nothing by itself: words stand beside it.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">` + //nolint:gosec // our own text
		icons[name] + `</svg>`)
}
