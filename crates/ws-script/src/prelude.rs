//! The functions by which the host calls into the prelude of a script.

use rquickjs::{Ctx, Function, Object, Persistent, Result};

/// Functions that the prelude gave us; see `prelude.js`.
pub(crate) struct Prelude {
    pub(crate) context: Persistent<Function<'static>>,
    pub(crate) message: Persistent<Function<'static>>,
    pub(crate) outbound: Persistent<Function<'static>>,
    pub(crate) close: Persistent<Function<'static>>,
    pub(crate) watch: Persistent<Function<'static>>,
    pub(crate) verdict: Persistent<Function<'static>>,
    pub(crate) set_state: Persistent<Function<'static>>,
    pub(crate) get_state: Persistent<Function<'static>>,
    pub(crate) carry: Persistent<Function<'static>>,
    pub(crate) revive: Persistent<Function<'static>>,
}

impl Prelude {
    pub(crate) fn evaluate<'js>(ctx: &Ctx<'js>, native: Object<'js>) -> Result<Self> {
        let mut options = rquickjs::context::EvalOptions::default();
        options.filename = Some("mockforge:prelude".to_owned());
        let prelude: Function<'js> = ctx.eval_with_options(include_str!("prelude.js"), options)?;
        let made: Object<'js> = prelude.call((native,))?;
        let function = |name: &str| -> Result<_> { Ok(Persistent::save(ctx, made.get::<_, Function<'js>>(name)?)) };
        Ok(Self {
            context: function("context")?,
            message: function("message")?,
            outbound: function("outbound")?,
            close: function("close")?,
            watch: function("watch")?,
            verdict: function("verdict")?,
            set_state: function("setState")?,
            get_state: function("getState")?,
            carry: function("carry")?,
            revive: function("revive")?,
        })
    }
}
