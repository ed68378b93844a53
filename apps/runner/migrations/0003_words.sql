ALTER TABLE `experiments` ADD `words` text DEFAULT '' NOT NULL;--> statement-breakpoint
UPDATE `experiments` SET `words` = coalesce((
	SELECT coalesce(json_extract(`json`, '$.manifest.kernel'), '') || ' ' || coalesce(json_extract(`json`, '$.manifest.engine'), '')
		|| ' ' || coalesce((SELECT group_concat(json_extract(`value`, '$.kind'), ' ') FROM json_each(`json`, '$.plan')), '')
	FROM `events` WHERE `experiment_id` = `experiments`.`id` AND `seq` = 1
), '');
