package run

import (
	"context"
	"errors"
	"fmt"

	"tapsweep/cmd/tapsweep/internal/format"
	"tapsweep/cmd/tapsweep/internal/protect"
	"tapsweep/cmd/tapsweep/internal/status"
	"tapsweep/input"
)

// guardList is guard for the users on the list. With --self, that is the user who is signed
// in, who may be protected under a name that the token does not have.
func (r *run) guardList(ctx context.Context, keep *protect.List) error {
	if !r.list.IsSelf() {
		return r.guard(ctx, keep, r.list.Pairs())
	}
	me, err := r.identify(ctx, len(keep.Rows()) == 0)
	if err != nil {
		return err
	}
	return r.guard(ctx, keep, func(yield func(input.Pair, error) bool) {
		switch { // If both names are known, no protected user has to be looked up.
		case me.UPN == "":
			yield(input.Pair{User: me.ID}, nil)
		case me.ID == "":
			yield(input.Pair{User: me.UPN}, nil)
		}
	})
}

// identify returns the names of the user who is signed in. It asks Graph, because the names in
// a token may not be those in the directory. If Graph does not say, only the object ID in the
// token is known. If nobody is protected, that ID is enough, and no name at all is no error.
func (r *run) identify(ctx context.Context, unguarded bool) (me input.User, err error) {
	token := r.tenant.Token
	if len(token.Self) > 0 && format.IsGUID(token.Self[0]) {
		me.ID = token.Self[0]
	}
	if !unguarded || me.ID == "" {
		found, err := protect.Me(ctx, r.runner)
		if err != nil {
			return me, r.ended(ctx, fmt.Errorf("%w\nnothing was changed", err))
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
	r.header.Self = me.ID
	if !unguarded && len(token.Self) == 0 {
		return me, status.Refuse(errors.New("Graph does not say who is signed in, so it is not known whether that "+
			"user is protected"),
			"name the user in place of --self, or sign in with the permission User.Read as well")
	}
	return me, nil
}

// isSelf reports whether a row's user is the one who is signed in, as far as that is known.
func (r *run) isSelf(user string) bool { return user == input.Me || r.tenant.Token.Is(user) }
