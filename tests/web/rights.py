"""Who may ask the station for what: a line for every endpoint, with its methods, under the roles that may.

This is the one declaration of it, made apart from the code: test_rights.py tries each line as each role, and fails
for an endpoint that has no line here.
"""

from __future__ import annotations

from loa.staff import Role

NOBODY = "nobody"
"""A stranger, who has not signed in; for the API, who brings no token."""
SIGNED_IN = (Role.VIEWER, Role.EDITOR, Role.APPROVER, Role.OPERATOR, Role.ADMIN)
ANYBODY = (NOBODY, *SIGNED_IN)
WORKERS = (Role.EDITOR, Role.APPROVER, Role.OPERATOR, Role.ADMIN)
STOPPERS = (Role.APPROVER, Role.OPERATOR, Role.ADMIN)
OPERATORS = (Role.OPERATOR, Role.ADMIN)
APPROVERS = (Role.APPROVER,)
ADMINS = (Role.ADMIN,)
THE_AUTHOR = (Role.EDITOR, Role.APPROVER, Role.ADMIN)
"""Of the bulletin tried, the editor is the author; another would be refused as the operator is."""
WHO_WORKS_FOR_ONE_AREA = ()
"""Whatever the role: those of the table work for the whole station, which has nobody above it."""

_DECLARED: dict[tuple[str, ...], str] = {
    WHO_WORKS_FOR_ONE_AREA: """
        levels.bring_forward POST
        levels.decline POST
    """,
    ANYBODY: """
        api.describe GET
        audio.file GET
        claiming.claim POST
        installable.contact GET
        installable.manifest GET
        installable.no_answer GET
        installable.no_network GET
        installable.worker GET
        look.choose POST
        i18n.choose POST
        i18n.script GET
        sign_in.sign_in GET POST
        sign_in.sign_out POST
        sign_in.step GET POST
        static GET
    """,
    SIGNED_IN: """
        account.begin POST
        account.confirm POST
        account.give_up POST
        account.renew_codes POST
        account.show GET
        account.take_off POST
        api.alerts_deliveries GET
        api.alerts_listing GET
        api.alerts_show GET
        api.alerts_sounded GET
        api.broadcasts_deliveries GET
        api.broadcasts_listing GET
        api.broadcasts_show GET
        api.bulletins_listing GET
        api.bulletins_show GET
        api.bulletins_sound GET
        api.campaigns_forecast GET
        api.campaigns_listing GET
        api.campaigns_receivers GET
        api.campaigns_show GET
        api.days_listing GET
        api.days_marks GET
        api.log_file GET
        api.log_listing GET
        api.me_show GET
        api.occurrences_listing GET
        api.places_areas_listing GET
        api.places_areas_show GET
        api.places_groups_listing GET
        api.places_groups_show GET
        api.places_receivers_listing GET
        api.places_receivers_show GET
        api.plan_listing GET
        api.plan_why GET
        api.programmes_listing GET
        api.programmes_runs GET
        api.programmes_show GET
        api.regulation_show GET
        api.regulation_versions GET
        api.remote_coming GET
        api.remote_faults GET
        api.reports_campaign GET
        api.reports_campaign_file GET
        api.reports_period GET
        api.reports_period_file GET
        api.reports_receivers GET
        api.schedules_listing GET
        api.schedules_show GET
        api.uploads_show GET
        api.versions_listing GET
        api.versions_show GET
        areas.download GET
        areas.listing GET
        broadcasts.part GET
        broadcasts.show GET
        bulletins.show GET
        calendar_page.events GET
        calendar_page.listed GET
        calendar_page.show GET
        calendar_panel.of_alert GET
        calendar_panel.of_broadcast GET
        calendar_panel.of_campaign GET
        calendar_panel.of_programme GET
        calendar_panel.of_schedule GET
        campaigns.download GET
        campaigns.listing GET
        campaigns.show GET
        canned.listing GET
        claims.download GET
        claims.listing GET
        claims.part GET
        claims.show GET
        cuts.original GET
        cuts.waiting GET
        days.listing GET
        decisions.queue GET
        dictionary.export GET
        dictionary.listing GET
        dictionary.shipped GET
        emergency.alert GET
        emergency.board GET
        emergency.cap_file GET
        emergency.show GET
        emergency.state GET
        faults.download GET
        faults.listing GET
        groups.download GET
        groups.listing GET
        library.download GET
        library.show GET
        live.stream GET
        log.download GET
        log.show GET
        log.workbook GET
        map_page.marks GET
        map_page.part GET
        map_page.show GET
        notice_templates.listing GET
        plan.ahead GET
        plan.day GET
        plan.download_ahead GET
        plan.download_day GET
        programmes.download GET
        programmes.listing GET
        programmes.show GET
        readings.show GET
        receiver_files.download GET
        receivers.listing GET
        receivers.part GET
        receivers.show GET
        receivers.show_part GET
        regulation.show GET
        reports.areas GET
        reports.campaign GET
        reports.download GET
        reports.download_campaign GET
        reports.receivers GET
        reports.show GET
        reports.this_week GET
        rollup.download GET
        rollup.show GET
        schedules.calendar GET
        schedules.download GET
        schedules.listing GET
        schedules.show GET
        sounds.file GET
        sounds.part GET
        staff.own_password GET POST
        stickers.show GET
        today.board GET
        today.show GET
        versions.listing GET
        versions.show GET
        voices.listing GET
        why.show GET
    """,
    WORKERS: """
        api.broadcasts_stop POST
        api.bulletins_change POST
        api.bulletins_create POST
        api.bulletins_sound_again POST
        api.bulletins_submit POST
        api.campaigns_change POST
        api.campaigns_create POST
        api.campaigns_end POST
        api.campaigns_pause POST
        api.campaigns_preview POST
        api.campaigns_preview_change POST
        api.campaigns_resume POST
        api.days_mark POST
        api.days_unmark POST
        api.occurrences_move POST
        api.occurrences_replace POST
        api.previews_change POST
        api.previews_schedule POST
        api.programme_days_move POST
        api.programme_days_replace POST
        api.programme_days_restore POST
        api.programme_days_skip POST
        api.programmes_change POST
        api.programmes_create POST
        api.programmes_end POST
        api.programmes_preview POST
        api.programmes_preview_change POST
        api.schedules_change POST
        api.schedules_create POST
        api.schedules_end POST
        api.schedules_play_now POST
        api.schedules_restore POST
        api.schedules_skip POST
        api.uploads_create POST
        api.versions_again POST
        broadcasts.ask_stop GET
        broadcasts.stop POST
        bulletins.drop_lines POST
        bulletins.edit GET POST
        bulletins.new GET POST
        bulletins.new_part GET
        bulletins.read_again POST
        bulletins.try_reading POST
        calendar_page.new GET
        calendar_panel.move_programme POST
        calendar_panel.move_schedule POST
        calendar_panel.preview_programme POST
        calendar_panel.preview_schedule POST
        calendar_panel.restore_programme POST
        calendar_panel.restore_schedule POST
        calendar_panel.skip_programme POST
        calendar_panel.skip_schedule POST
        campaigns.ask_end GET
        campaigns.ask_pause GET
        campaigns.change GET POST
        campaigns.end POST
        campaigns.new GET POST
        campaigns.pause POST
        campaigns.preview POST
        campaigns.resume POST
        cuts.after GET
        cuts.show GET POST
        cuts.translation GET POST
        cuts.translation_after GET
        days.ask_withdraw GET
        days.new GET POST
        days.withdraw POST
        decisions.submit POST
        dictionary.bring_in GET POST
        dictionary.edit GET POST
        dictionary.new GET POST
        dictionary.remove GET POST
        emergency.choose_where POST
        emergency.new GET POST
        emergency.refuse GET POST
        emergency.take_in GET POST
        exceptions.move POST
        exceptions.replace POST
        exceptions.show GET
        exceptions.skip POST
        exceptions.undo POST
        levels.put_first POST
        levels.show GET
        levels.withdraw POST
        listening.wav GET
        new_broadcast.again POST
        new_broadcast.done GET
        new_broadcast.name POST
        new_broadcast.recall POST
        new_broadcast.slots POST
        new_broadcast.sound GET
        new_broadcast.what GET POST
        new_broadcast.when GET POST
        notice_templates.ask_drop GET
        notice_templates.drop POST
        notice_templates.edit GET POST
        notice_templates.new GET POST
        notice_templates.restore POST
        programme_days.change GET POST
        programme_days.restore POST
        programmes.ask_end GET
        programmes.change GET POST
        programmes.end POST
        programmes.lines POST
        programmes.new GET POST
        programmes.search GET
        readings.fix POST
        readings.forget POST
        readings.undo POST
        report_orders.add GET POST
        report_orders.again POST
        report_orders.ask_end GET
        report_orders.download GET
        report_orders.end POST
        report_orders.listing GET
        report_orders.make_now POST
        report_orders.pause POST
        report_orders.resume POST
        report_orders.table GET
        reports.issue POST
        schedule_import.bring_in GET POST
        schedule_import.template GET
        schedules.ask_end GET
        schedules.change GET POST
        schedules.end POST
        schedules.new GET POST
        schedules.now GET POST
        schedules.preview POST
        schedules.preview_change POST
        sounds.make_again POST
        transfers.begin POST
        transfers.give_up DELETE
        transfers.go_on PATCH
        translations.ask_remove GET
        translations.change GET POST
        translations.listing GET
        translations.remove POST
        translations.show GET POST
        versions.again POST
        versions.ask_again GET
    """,
    THE_AUTHOR: """
        api.bulletins_withdraw POST
        decisions.ask_withdraw GET
        decisions.withdraw POST
    """,
    STOPPERS: """
        audit_log.download GET
        audit_log.show GET
        emergency.stop GET POST
        evidence.check POST
        evidence.download GET
        evidence.job GET
        evidence.make POST
        evidence.show GET
        evidence.state GET
        evidence.verifier GET
        today.ask_stop_all GET
        today.stop_all POST
    """,
    OPERATORS: """
        api.remote_change POST
        api.remote_know POST
        api.remote_restart POST
        api.remote_tone POST
        claims.heard POST
        claims.not_heard POST
        claims.play POST
        faults.known GET POST
        remote.ask_restart GET
        remote.ask_tone GET
        remote.many GET POST
        remote.restart POST
        remote.settings GET POST
        remote.tone POST
    """,
    APPROVERS: """
        decisions.approve POST
        decisions.reject POST
        emergency.agree POST
        emergency.sound_alone POST
    """,
    ADMINS: """
        account.take_off_of GET POST
        api.audit_head GET
        api.audit_listing GET
        api.place_acts_add_area POST
        api.place_acts_add_group POST
        api.place_acts_change_area POST
        api.place_acts_change_group POST
        api.place_acts_speak POST
        areas.bring_in GET POST
        areas.edit GET POST
        areas.language GET POST
        areas.new GET POST
        canned.add GET POST
        canned.ask_drop GET
        canned.drop POST
        claims.ask_cancel GET
        claims.cancel POST
        claims.issue POST
        claims.new GET POST
        claims.reissue GET POST
        claims.replace GET POST
        claims.settle POST
        groups.change GET POST
        groups.new GET POST
        groups.remove GET POST
        map_page.place POST
        receiver_files.bring_in GET POST
        receivers.ask_retire GET
        receivers.change GET POST
        receivers.new GET POST
        receivers.retire POST
        receivers.station_file POST
        regulation.ask_repeal GET
        regulation.change GET POST
        regulation.repeal POST
        retention.ask_confirm GET
        retention.confirm POST
        retention.hold GET POST
        retention.lift GET POST
        retention.show GET
        retention.stop POST
        rollup.drop POST
        rollup.expect POST
        rollup.take_in POST
        staff.ask_close GET
        staff.ask_reset GET
        staff.close POST
        staff.download GET
        staff.listing GET
        staff.move GET POST
        staff.new GET POST
        staff.reopen POST
        staff.reset POST
        tokens.ask_revoke GET
        tokens.listing GET
        tokens.new GET POST
        tokens.revoke POST
    """,
}

RIGHTS: dict[tuple[str, str], tuple[str, ...]] = {
    (line.split()[0], method): who
    for who, lines in _DECLARED.items()
    for line in lines.strip().splitlines()
    for method in line.split()[1:]
}
"""(endpoint, method) → who may."""


def declared() -> int:
    """How many lines there are, of which none may stand twice."""
    return sum(
        len(line.split()) - 1 for lines in _DECLARED.values() for line in lines.strip().splitlines()
    )
