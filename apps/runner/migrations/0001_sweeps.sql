CREATE TABLE `sweep_runs` (
	`experiment_id` text PRIMARY KEY NOT NULL,
	`sweep_id` text NOT NULL,
	`no` integer NOT NULL,
	`outcome` text
);
--> statement-breakpoint
CREATE INDEX `sweep_runs_by_sweep` ON `sweep_runs` (`sweep_id`,`no`);--> statement-breakpoint
CREATE TABLE `sweeps` (
	`id` text PRIMARY KEY NOT NULL,
	`title` text NOT NULL,
	`owner` text NOT NULL,
	`created_at` text NOT NULL,
	`status` text NOT NULL,
	`reason` text,
	`json` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `sweeps_by_time` ON `sweeps` (`created_at`);