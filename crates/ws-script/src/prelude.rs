//! The functions by which the host calls into an engine, beside those of the script.

use rquickjs::{Ctx, Function, Object, Persistent, Result};

/// Functions of `prelude.js`, and those of `state.js`.
pub(crate) struct Prelude {
    pub(crate) context: Persistent<Function<'static>>,
    pub(crate) message: Persistent<Function<'static>>,
    pub(crate) outbound: Persistent<Function<'static>>,
    pub(crate) close: Persistent<Function<'static>>,
    pub(crate) watch: Persistent<Function<'static>>,
    pub(crate) verdict: Persistent<Function<'static>>,
    pub(crate) carry: Persistent<Function<'static>>,
    pub(crate) revive: Persistent<Function<'static>>,
    pub(crate) set_state: Persistent<Function<'static>>,
    pub(crate) get_state: Persistent<Function<'static>>,
    pub(crate) change_state: Persistent<Function<'static>>,
}

impl Prelude {
    pub(crate) fn evaluate<'js>(ctx: &Ctx<'js>, native: Object<'js>) -> Result<Self> {
        let made: Object<'js> = evaluate(ctx, "mockforge:prelude", include_str!("prelude.js"))?.call((native,))?;
        let state: Object<'js> = evaluate(ctx, "mockforge:state", include_str!("state.js"))?.call(())?;
        let function = |of: &Object<'js>, name: &str| -> Result<_> {
            Ok(Persistent::save(ctx, of.get::<_, Function<'js>>(name)?))
        };
        Ok(Self {
            context: function(&made, "context")?,
            message: function(&made, "message")?,
            outbound: function(&made, "outbound")?,
            close: function(&made, "close")?,
            watch: function(&made, "watch")?,
            verdict: function(&made, "verdict")?,
            carry: function(&made, "carry")?,
            revive: function(&made, "revive")?,
            set_state: function(&state, "setState")?,
            get_state: function(&state, "getState")?,
            change_state: function(&state, "changeState")?,
        })
    }
}

fn evaluate<'js>(ctx: &Ctx<'js>, name: &str, source: &str) -> Result<Function<'js>> {
    let mut options = rquickjs::context::EvalOptions::default();
    options.filename = Some(name.to_owned());
    ctx.eval_with_options(source, options)
}
