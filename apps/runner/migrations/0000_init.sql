CREATE TABLE `events` (
	`experiment_id` text NOT NULL,
	`seq` integer NOT NULL,
	`at_ms` integer NOT NULL,
	`type` text NOT NULL,
	`terminal` integer,
	`end_offset` integer,
	`json` text NOT NULL,
	PRIMARY KEY(`experiment_id`, `seq`)
);
--> statement-breakpoint
CREATE INDEX `events_by_terminal` ON `events` (`experiment_id`,`terminal`,`end_offset`);--> statement-breakpoint
CREATE TABLE `experiments` (
	`id` text PRIMARY KEY NOT NULL,
	`title` text NOT NULL,
	`question` text,
	`owner` text NOT NULL,
	`created_at` text NOT NULL,
	`status` text NOT NULL,
	`verdict` text,
	`forked_from` text,
	`last_seq` integer NOT NULL,
	`last_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `experiments_by_time` ON `experiments` (`created_at`);