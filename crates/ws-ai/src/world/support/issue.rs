//! What people ask a support desk, and what helps.

use std::cmp::Reverse;

use crate::narrative::{Narrative, stem};

/// A problem, from the first report to the thanks.
#[derive(Debug)]
pub(super) struct Issue {
    words: &'static [&'static str],
    pub(super) subject: &'static str,
    pub(super) report: &'static str,
    pub(super) question: &'static str,
    pub(super) detail: &'static str,
    pub(super) fix: &'static str,
    pub(super) thanks: &'static str,
    /// What is said to whoever only asks how it is done.
    answer: &'static str,
    pub(super) resolution: &'static str,
}

impl Issue {
    /// What helps whoever says this: a question is answered, a problem fixed.
    pub(super) fn to(&self, line: &str) -> &'static str {
        if line.contains('?') { self.answer } else { self.fix }
    }

    pub(super) fn is_about(&self, narrative: &Narrative) -> bool {
        self.words.iter().map(|word| stem(word)).any(|word| narrative.stems().any(|other| other == word))
    }
}

/// The issue that is spoken of most; of equals, the one that is spoken of first.
pub(super) fn about(narrative: &Narrative) -> Option<&'static Issue> {
    let rank = |issue: &Issue| {
        let stems: Vec<String> = issue.words.iter().map(|word| stem(word)).collect();
        let found = narrative.stems().enumerate().filter(|(_, other)| stems.iter().any(|stem| stem == other));
        let places: Vec<usize> = found.map(|(place, _)| place).collect();
        places.first().map(|first| (places.len(), Reverse(*first)))
    };
    let ranked = ISSUES.iter().filter_map(|issue| rank(issue).map(|rank| (rank, issue)));
    ranked.max_by_key(|(rank, _)| *rank).map(|(_, issue)| issue)
}

/// What is asked that nobody has heard of.
pub(super) static UNKNOWN: Issue = Issue {
    words: &[],
    subject: "{Question from the chat|A question}",
    report: "I have a question.",
    question: "what can I do for you?",
    detail: "It is about what I wrote before.",
    fix: "thank you for your message. {I have passed it to the right team and you hear from us today|Could you send me a screenshot or the exact error text, so that I can look into it}.",
    thanks: "{ok, thank you|thanks, I'll wait for that}",
    answer: "thank you for your message. {I have passed it to the right team and you hear from us today|Could you send me a screenshot, so that I can look into it?}",
    resolution: "answered",
};

pub(super) static ISSUES: &[Issue] = &[
    Issue {
        words: &["password", "login", "log", "account", "sign", "locked"],
        subject: "{Cannot log in|Login fails since the update|Locked out of my account}",
        report: "I cannot log in any more. It says {my password is wrong|the account is locked}, but I {did not change it|use it every day}.",
        question: "which e-mail address do you use for the account, and when did it last work?",
        detail: "The one I write from. It worked {yesterday evening|until this morning}.",
        fix: "I have sent you a link to set a new password. It is valid for {thirty minutes|one hour}; please check the spam folder too.",
        thanks: "{That worked, I'm in again. Thanks {agent}!|Link came at once, thank you.}",
        answer: "you can set a new password with \"Forgot password\" on the login page. The link that we send you is valid for one hour.",
        resolution: "password_reset",
    },
    Issue {
        words: &["delivery", "parcel", "package", "shipping", "shipment", "arrive", "late", "order"],
        subject: "{Parcel has not arrived|Where is my order?|Delivery is late}",
        report: "My order should have been here {on Tuesday|two days ago}. The tracking has said the same for {three|four} days.",
        question: "could you give me the tracking number, please?",
        detail: "It is {1Z84 2210|NP 5527 019|CC 7718 42}.",
        fix: "The parcel was held at the depot because {the label was damaged|a part of the address was missing}. It leaves today, and the order arrives {tomorrow|by Friday}.",
        thanks: "{It is here. Thank you!|Just arrived, thanks for looking after it.}",
        answer: "you find your order under My orders: open it and choose Track. Most parcels arrive within {three|four} days.",
        resolution: "carrier_contacted",
    },
    Issue {
        words: &["refund", "return", "money", "exchange", "broken", "damaged"],
        subject: "{Refund for a returned item|No money for my return|Return not refunded yet}",
        report: "I sent {the lamp|the shoes|the kettle} back {ten days|two weeks} ago and have not got my money yet.",
        question: "did you use the label that we sent, and do you still have the receipt of the post office?",
        detail: "Yes, both. The post office says you got it {last Thursday|five days ago}.",
        fix: "I found it, the return was not booked in. The refund is on its way and takes {two to three|up to five} days.",
        thanks: "{The money is there, thank you|Great, thanks for the quick help}.",
        answer: "you can send anything back within 30 days: print the label under My orders, Return. You get the refund up to five days after we have it.",
        resolution: "refunded",
    },
    Issue {
        words: &["invoice", "bill", "billing", "charge", "payment", "subscription", "price", "card"],
        subject: "{Charged twice|Double charge on my card|Two charges in one month}",
        report: "I was charged {twice|two times} this month: {19.90|24.00|9.99} dollars on the {3rd|5th} and again on the {4th|6th}.",
        question: "do both charges show the same reference?",
        detail: "No, {the second ends in 88|they differ in the last digits}.",
        fix: "The second charge was a payment that had failed and was tried again. I have cancelled it; it disappears from your statement within {three|five} days.",
        thanks: "{Thank you for clearing that up|All good now, thanks {agent}}.",
        answer: "all invoices are under Account, Billing. We charge on the day on which you signed up, once a month.",
        resolution: "charge_reversed",
    },
    Issue {
        words: &["app", "crash", "slow", "freeze", "error", "bug", "update", "install"],
        subject: "{App broken since the update|Trouble with the new version|App fails since the last update}",
        report: "Since the last update the app {closes right after it starts|shows error 504 when I save}.",
        question: "which device and which version is it? You find the version under Settings, About.",
        detail: "{A Pixel 7, version 5.2.1|An iPhone 13, version 5.2.1|Windows 11, version 5.2.0}.",
        fix: "That is a known bug of this version. Please update to 5.2.2; if the error is still there, clear the cache under Settings, Storage.",
        thanks: "{With 5.2.2 it works again|Updated, no crash since then. Thanks!}",
        answer: "please make sure that you have version 5.2.2, and clear the cache under Settings, Storage. That helps in most cases.",
        resolution: "fixed_in_update",
    },
    Issue {
        words: &["internet", "connection", "wifi", "router", "network", "outage", "offline", "slow"],
        subject: "{Trouble with my connection|My internet does not work|Problem with the router or the line}",
        report: "The connection {is gone since this morning|drops every ten minutes}. I have already restarted the router.",
        question: "which lights are on at the router, and are they steady or blinking?",
        detail: "Power is {green|steady}, the second one blinks {red|orange}.",
        fix: "There was a fault on your line. I have reset the connection from here: please unplug the router for {one minute|thirty seconds} and plug it in again.",
        thanks: "{It's back! Thank you|Stable for an hour now, thanks {agent}}.",
        answer: "please unplug the router for one minute and plug it in again. If the second light stays red after that, tell me and I check the line.",
        resolution: "line_reset",
    },
    Issue {
        words: &["cancel", "contract", "plan", "upgrade", "downgrade", "close"],
        subject: "{Cannot change my plan|Change to a smaller plan|Downgrade does not work}",
        report: "I would like to change to the smaller plan, but the button {is grey|does nothing}.",
        question: "do you see a note next to the button, for example about open invoices?",
        detail: "Yes, it says there is {an open invoice of 12 dollars|a change already pending}.",
        fix: "I have removed that note. The smaller plan starts with the next month, {on the 1st|at the end of this period}; you get a confirmation by e-mail.",
        thanks: "{Confirmation is here, thank you|Perfect, thanks}.",
        answer: "you can change or cancel your plan under Account, Plan. It takes effect at the end of the month.",
        resolution: "plan_changed",
    },
    Issue {
        words: &["export", "data", "report", "file", "upload", "download", "import"],
        subject: "{Export is empty|Export without rows|Nothing in the exported file}",
        report: "The export of {March|last week} has only a header and no rows. I need it for {a meeting tomorrow|our accounts}.",
        question: "which filter is set above the table when you export the file?",
        detail: "Only the {date|period}, nothing else.",
        fix: "The dates were read as month before day. We have corrected that; please export the file again, the data is complete.",
        thanks: "{All rows are there, thank you {agent}|Just in time, thanks!}",
        answer: "you find it under Reports, Export: choose the period, then CSV or Excel. The file of your data is ready within a minute.",
        resolution: "bug_fixed",
    },
];
