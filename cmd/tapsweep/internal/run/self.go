package run

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// identify finds out whom the rows "me" mean, before anybody is protected or written
// to: a protected user must be recognised behind "me", and writes for one user must
// not share a batch under two names.
//
// The names come from Graph, as those in a token may be no names of the directory's.
// Where Graph does not tell, the token's object id is all there is, and so the other
// rows have to name their users by object id too; protected users are looked up as
// for any list of ids. With no name at all, there may be neither others nor protected
// users.
func (r *run) identify(ctx context.Context, keep *protect.List) error {
	if r.list == nil || r.list.Stats().Me == 0 {
		return nil
	}
	stats, token := r.list.Stats(), r.tenant.Token
	var me input.User
	if len(token.Self) > 0 && format.IsGUID(token.Self[0]) {
		me.ID = token.Self[0]
	}
	alone := stats.Unique == stats.Me && len(keep.Rows()) == 0
	if !alone || me.ID == "" {
		found, err := protect.Me(ctx, r.runner)
		if err != nil {
			return r.ended(ctx, fmt.Errorf("%w\nnothing was changed", err))
		}
		if found != (input.User{}) {
			me = found
		}
	}
	token.Self = nil
	for _, name := range []string{me.ID, me.UPN} {
		if name != "" {
			token.Self = append(token.Self, name)
		}
	}
	keep.Me, r.header.Self = me, me.ID
	if alone || me.UPN != "" {
		return nil
	}
	hints := []string{"name the user in place of \"me\", or sign in with the permission User.Read as well"}
	if me.ID == "" {
		return status.Refuse(errors.New("whom the rows \"me\" mean cannot be found out, and so neither whether that user is on another row or protected"), hints...)
	}
	for pair, err := range r.list.Pairs() {
		if err != nil {
			return status.Refuse(err)
		}
		if pair.Err == nil && strings.Contains(pair.User, "@") {
			return status.Refuse(fmt.Errorf("%s: whether %s is \"me\" cannot be found out, and two writes for one user must not travel together",
				pair.Place(), pair.User), append(hints, "or name the others by object id")...)
		}
	}
	return nil
}

// isSelf reports whether a row's user is the signed-in one, as far as that is known.
func (r *run) isSelf(user string) bool {
	return user == input.Me || r.tenant.Token.Is(user)
}
