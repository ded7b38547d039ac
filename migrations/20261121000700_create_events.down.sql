SET LOCAL lock_timeout = '5s';

DROP TABLE mindflight.consumer;

DROP TABLE mindflight.event_log;

DROP TABLE mindflight.tick;

DROP TABLE mindflight.event_id;

DROP TABLE mindflight.event;

DROP SEQUENCE mindflight.event_seq;
