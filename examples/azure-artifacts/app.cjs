console.log(require('@contoso/greeting'));
