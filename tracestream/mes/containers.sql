-- $first and $last bound the numbers of the containers of this slice: [first, last).
INSERT INTO MES_CONTAINERS
SELECT container_id(c), container_name(c), product(c), product_line(c), work_order(c), bill_of_process(c),
       1000 + 50 * below(c, 'qty', 40), started(c), pick(['ACTIVE', 'CLOSED', 'CLOSED', 'HOLD'], c, 'status')
FROM range($first, $last) numbers(c);
