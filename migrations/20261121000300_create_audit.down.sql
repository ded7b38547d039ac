DROP TABLE mindflight.audit;
